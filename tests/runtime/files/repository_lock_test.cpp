#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/files/repository_lock.hpp"

#include <boost/asio/post.hpp>

#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

namespace graftline {
namespace {

class RepositoryLock : public ::testing::Test {
protected:
    test::temporary_folder folder_;
    std::filesystem::path file_ = folder_.path() / "lock";
};

awaitable<void> note_turn(repository_lock& lock, int number, std::vector<int>& order)
{
    const auto held = (co_await lock.acquire()).value();
    order.push_back(number);
    co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
}

TEST_F(RepositoryLock, AllUsersOfAFileShareOneQueue)
{
    asio::io_context io(1);
    std::filesystem::create_directory(folder_.path() / "sub");
    repository_lock one(io.get_executor(), file_);
    repository_lock same(io.get_executor(), folder_.path() / "sub" / ".." / "lock");
    std::vector<int> order;
    for (int i = 0; i < 40; ++i)
        asio::co_spawn(io, note_turn(i % 2 ? same : one, i, order),
                       [](std::exception_ptr e) { EXPECT_FALSE(e); });
    test::run_guarded(io);
    std::vector<int> expected(40);
    std::iota(expected.begin(), expected.end(), 0);
    EXPECT_EQ(order, expected);
}

awaitable<void> add_up(repository_lock& lock, std::atomic<int>& inside, int& total)
{
    for (int i = 0; i < 100; ++i) {
        const auto held = (co_await lock.acquire()).value();
        EXPECT_EQ(++inside, 1);
        co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
        ++total;
        --inside;
    }
}

/// Contexts exclude each other as processes do: by the file.
TEST_F(RepositoryLock, ContextsExcludeEachOther)
{
    std::atomic<int> inside = 0;
    std::vector<int> totals(3);
    std::vector<std::jthread> loops;
    for (auto& total : totals)
        loops.emplace_back([this, &inside, &total] {
            asio::io_context io(1);
            repository_lock lock(io.get_executor(), file_);
            asio::co_spawn(io, add_up(lock, inside, total), [](std::exception_ptr e) { EXPECT_FALSE(e); });
            test::run_guarded(io);
        });
    loops.clear();
    EXPECT_EQ(totals, (std::vector<int>{100, 100, 100}));
}

TEST_F(RepositoryLock, AFailureGivesTheTurnBack)
{
    auto body = [](std::filesystem::path file) -> awaitable<void> {
        repository_lock lock(co_await asio::this_coro::executor, file / "missing" / "lock");
        for (int i = 0; i < 2; ++i)
            EXPECT_FALSE((co_await lock.acquire()).has_value());
    };
    test::run_here(body(folder_.path()));
}

class three_in_line : public test::scenario {
public:
    three_in_line(asio::io_context& io, const std::filesystem::path& file)
        : lock_(io.get_executor(), file), file_(file)
    {
    }
    awaitable<void> body() override
    {
        std::vector<awaitable<void>> all;
        for (int i = 0; i < 3; ++i)
            all.push_back(note_turn(lock_, i, order_));
        co_await parallel::all(std::move(all));
    }
    void check() override { EXPECT_FALSE(file_lock::is_held(file_).value()); }

private:
    repository_lock lock_;
    std::filesystem::path file_;
    std::vector<int> order_;
};

TEST_F(RepositoryLock, CancelledAtEveryStep)
{
    test::cancel_at_every_step(
        [&](asio::io_context& io) { return std::make_unique<three_in_line>(io, file_); });
}

TEST_F(RepositoryLock, AbandonedAtEveryStep)
{
    test::abandon_at_every_step(
        [&](asio::io_context& io) { return std::make_unique<three_in_line>(io, file_); });
}

} // namespace
} // namespace graftline
