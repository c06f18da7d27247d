#include "graftline/runtime/async/deadline.hpp"
#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/files/file_lock.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::run_here;

/// A process that holds the lock until it is killed.
class other_holder {
public:
    explicit other_holder(const std::filesystem::path& file)
    {
        int ready[2];
        if (::pipe(ready) != 0) return;
        pid_ = ::fork();
        if (pid_ == 0) {
            asio::io_context io(1);
            const auto held = file_lock(io.get_executor(), file).try_acquire();
            const char told = held && *held ? '1' : '0';
            [[maybe_unused]] const auto written = ::write(ready[1], &told, 1);
            for (;;)
                ::pause();
        }
        char told = '0';
        holds_ = ::read(ready[0], &told, 1) == 1 && told == '1';
        ::close(ready[0]);
        ::close(ready[1]);
    }
    other_holder(const other_holder&) = delete;
    other_holder& operator=(const other_holder&) = delete;
    ~other_holder() { kill(); }

    bool holds() const noexcept { return holds_; }
    void kill()
    {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }

private:
    pid_t pid_ = 0;
    bool holds_ = false;
};

class FileLock : public ::testing::Test {
protected:
    test::temporary_folder folder_;
    std::filesystem::path file_ = folder_.path() / "lock";
};

TEST_F(FileLock, ExcludesWithinAProcessToo)
{
    auto body = [](std::filesystem::path file) -> awaitable<void> {
        const auto loop = co_await asio::this_coro::executor;
        file_lock first(loop, file), second(loop, file);
        EXPECT_FALSE(file_lock::is_held(file).value()) << "a file that is not there";
        auto held = co_await first.acquire();
        EXPECT_TRUE(held.has_value());
        EXPECT_TRUE(file_lock::is_held(file).value());
        EXPECT_FALSE(second.try_acquire().value().has_value());
        held->release();
        EXPECT_FALSE(file_lock::is_held(file).value());
        EXPECT_TRUE(second.try_acquire().value().has_value());
    };
    run_here(body(file_));
}

TEST_F(FileLock, ItsHolderWakesWhoWaits)
{
    auto waits = [](std::filesystem::path file) -> awaitable<bool> {
        file_lock lock(co_await asio::this_coro::executor, file, 1h); // looks once, and then only at news
        const auto held = co_await lock.acquire();
        co_return held.has_value();
    };
    auto body = [](std::filesystem::path file, decltype(waits)& wait) -> awaitable<void> {
        const auto loop = co_await asio::this_coro::executor;
        file_lock lock(loop, file);
        for (int round = 0; round < 200; ++round) {
            auto held = (co_await lock.acquire()).value();
            auto release = [](file_lock::lease mine) -> awaitable<bool> {
                asio::steady_timer a_moment(co_await asio::this_coro::executor, 1ms);
                co_await a_moment.async_wait(use_awaitable);
                mine.release();
                co_return true;
            };
            std::vector<awaitable<bool>> both;
            both.push_back(wait(file));
            both.push_back(release(std::move(held)));
            for (auto& one : co_await parallel::all(std::move(both)))
                EXPECT_TRUE(one.value());
        }
    };
    run_here(body(file_, waits)); // or it hangs
}

/// Tells of a try, or a wake-up, by what the loop has to do: nothing while nothing happens.
TEST_F(FileLock, WaitingCostsNothing)
{
    other_holder other(file_);
    ASSERT_TRUE(other.holds());
    asio::io_context io(1);
    auto wait = [](std::filesystem::path file) -> awaitable<void> {
        file_lock lock(co_await asio::this_coro::executor, file, 1h);
        (void)co_await lock.acquire();
    };
    asio::steady_timer at_once(io, 0ms);
    at_once.async_wait([](error_code) {});
    io.run(); // the loop has its own descriptors by now
    io.restart();
    const auto before = test::open_descriptors();
    constexpr std::size_t who_wait = 5;
    for (std::size_t i = 0; i < who_wait; ++i)
        asio::co_spawn(io, wait(file_), asio::detached);
    std::size_t turns = 0;
    for (std::size_t more = 1; more > 0; turns += more)
        more = io.run_for(200ms);
    EXPECT_LT(turns, who_wait * 20) << "each tries twice and waits";
    constexpr std::size_t inotify = 1;
    EXPECT_EQ(test::open_descriptors(), before + who_wait + inotify);
}

TEST_F(FileLock, AKilledHolderDoesNotKeepIt)
{
    other_holder other(file_);
    ASSERT_TRUE(other.holds());
    auto body = [](std::filesystem::path file, other_holder& holder) -> awaitable<void> {
        const auto loop = co_await asio::this_coro::executor;
        file_lock lock(loop, file);
        EXPECT_TRUE(file_lock::is_held(file).value());
        EXPECT_FALSE((co_await within(50ms, lock.acquire())).has_value());
        holder.kill();
        const auto held = co_await lock.acquire();
        EXPECT_TRUE(held.has_value());
    };
    run_here(body(file_, other));
}

TEST_F(FileLock, ARemovedFileIsMadeAnew)
{
    auto body = [](std::filesystem::path file) -> awaitable<void> {
        const auto loop = co_await asio::this_coro::executor;
        file_lock lock(loop, file);
        const auto old = (co_await lock.acquire()).value();
        std::filesystem::remove(file);
        const auto anew = (co_await lock.acquire()).value();
        EXPECT_TRUE(file_lock::is_held(file).value());
    };
    run_here(body(file_));
}

TEST_F(FileLock, AFolderThatIsMissingIsNamed)
{
    auto body = [](std::filesystem::path file) -> awaitable<result<file_lock::lease>> {
        file_lock lock(co_await asio::this_coro::executor, file);
        co_return co_await lock.acquire();
    };
    const auto file = folder_.path() / "missing" / "lock";
    const auto held = run_here(body(file));
    ASSERT_FALSE(held.has_value());
    EXPECT_NE(held.error().message().find(file.string()), std::string::npos);
}

class two_who_want_it : public test::scenario {
public:
    two_who_want_it(asio::io_context& io, const std::filesystem::path& file)
        : first_(io.get_executor(), file), second_(io.get_executor(), file), file_(file)
    {
    }
    awaitable<void> body() override
    {
        std::vector<awaitable<void>> both;
        both.push_back(use(first_));
        both.push_back(use(second_));
        co_await parallel::all(std::move(both));
    }
    void check() override { EXPECT_FALSE(file_lock::is_held(file_).value()); }

private:
    static awaitable<void> use(file_lock& lock)
    {
        const auto held = (co_await lock.acquire()).value();
        asio::steady_timer a_moment(co_await asio::this_coro::executor, 1ms);
        co_await a_moment.async_wait(use_awaitable);
    }

    file_lock first_, second_;
    std::filesystem::path file_;
};

TEST_F(FileLock, CancelledAtEveryStepLeaksNothing)
{
    const auto before = test::open_descriptors();
    test::cancel_at_every_step(
        [&](asio::io_context& io) { return std::make_unique<two_who_want_it>(io, file_); });
    EXPECT_EQ(test::open_descriptors(), before);
}

TEST_F(FileLock, AbandonedAtEveryStepLeaksNothing)
{
    const auto before = test::open_descriptors();
    test::abandon_at_every_step(
        [&](asio::io_context& io) { return std::make_unique<two_who_want_it>(io, file_); });
    EXPECT_EQ(test::open_descriptors(), before);
}

} // namespace
} // namespace graftline
