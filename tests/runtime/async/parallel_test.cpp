#include "graftline/runtime/async/parallel.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/support/cancel_at_every_step.hpp"
#include <gtest/gtest.h>

#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::run_here;

awaitable<void> rest(std::chrono::milliseconds span)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, span);
    co_await timer.async_wait(use_awaitable);
}

awaitable<int> after(std::chrono::milliseconds span, int value)
{
    co_await rest(span);
    co_return value;
}

awaitable<int> fail_after(std::chrono::milliseconds span, std::string why)
{
    co_await rest(span);
    throw std::runtime_error(why);
}

TEST(ParallelAll, KeepsTheOrderOfItsInputAndSettlesEachChild)
{
    auto body = []() -> awaitable<void> {
        std::vector<awaitable<int>> children;
        children.push_back(after(20ms, 1));
        children.push_back(fail_after(1ms, "broken"));
        children.push_back(after(0ms, 3));
        auto ended = co_await parallel::all(std::move(children));
        EXPECT_EQ(ended.size(), 3u);
        EXPECT_EQ(ended[0].value(), 1);
        EXPECT_FALSE(ended[1].has_value());
        EXPECT_THROW(ended[1].value(), std::runtime_error);
        EXPECT_EQ(ended[2].value(), 3);
    };
    run_here(body());
}

TEST(ParallelAll, OfNothingEndsAtOnce)
{
    auto body = []() -> awaitable<std::size_t> {
        std::vector<awaitable<void>> none;
        co_return (co_await parallel::all(std::move(none))).size();
    };
    EXPECT_EQ(run_here(body()), 0u);
}

struct gauge {
    int inside = 0;
    int most = 0;
};

awaitable<void> pass_through(gauge& g)
{
    g.most = std::max(g.most, ++g.inside);
    co_await rest(1ms);
    --g.inside;
}

TEST(ParallelMap, KeepsToItsLimit)
{
    auto body = [](gauge& g) -> awaitable<void> {
        auto visit = [&g](int) { return pass_through(g); };
        auto ended = co_await parallel::map(std::vector<int>(40), visit, parallel::options().limit(5));
        for (const auto& one : ended)
            EXPECT_TRUE(one.has_value());
    };
    gauge seen;
    run_here(body(seen));
    EXPECT_EQ(seen.most, 5);
    EXPECT_EQ(seen.inside, 0);
}

TEST(ParallelMap, TakesItemsAndValuesThatOnlyMove)
{
    auto body = []() -> awaitable<int> {
        std::vector<std::unique_ptr<int>> items;
        for (int i = 1; i <= 4; ++i)
            items.push_back(std::make_unique<int>(i));
        auto pass = [](std::unique_ptr<int> one) -> awaitable<std::unique_ptr<int>> {
            co_return std::move(one);
        };
        int sum = 0;
        for (auto& one : co_await parallel::map(std::move(items), pass))
            sum += *one.value();
        co_return sum;
    };
    EXPECT_EQ(run_here(body()), 10);
}

struct counts {
    int begun = 0;
    int cancelled = 0;
};

awaitable<void> until_one_began(counts& seen)
{
    while (seen.begun == 0)
        co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
}

awaitable<int> count_how_it_ends(counts& seen, awaitable<int> child)
{
    ++seen.begun;
    const auto ended = co_await parallel::settle(std::move(child));
    if (parallel::is_aborted(ended.error())) ++seen.cancelled;
    co_return ended.value();
}

TEST(ParallelMap, FailFastCancelsTheOthersAndBeginsNoMore)
{
    auto body = [](counts& seen) -> awaitable<void> {
        auto visit = [&seen](int n) {
            return count_how_it_ends(seen, n == 1 ? fail_after(5ms, "first failure") : after(30s, n));
        };
        std::vector<int> items(10);
        std::iota(items.begin(), items.end(), 0);
        const auto ended = co_await parallel::map(items, visit, parallel::options().limit(3).fail_fast());
        EXPECT_EQ(ended.size(), 10u);
        EXPECT_THROW(ended[1].value(), std::runtime_error);
        EXPECT_TRUE(parallel::is_aborted(ended[0].error()));
        EXPECT_TRUE(parallel::is_aborted(ended[9].error())) << "one that never began";
    };
    counts seen;
    run_here(body(seen));
    EXPECT_EQ(seen.begun, 3);
    EXPECT_EQ(seen.cancelled, 2);
}

TEST(ParallelMap, AHundredThousandThatEndAtOnceNeedNoStack)
{
    auto body = [](std::size_t limit) -> awaitable<std::size_t> {
        auto nothing = [](int) -> awaitable<void> { co_return; };
        const auto ended =
            co_await parallel::map(std::vector<int>(100'000), nothing, parallel::options().limit(limit));
        co_return ended.size();
    };
    EXPECT_EQ(run_here(body(1)), 100'000u);
    EXPECT_EQ(run_here(body(0)), 100'000u);
}

awaitable<int> refuse_cancellation()
{
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_return 0;
}

TEST(ParallelMap, OneChildsCancellationStateIsNotTheNextOnes)
{
    auto body = [](counts& seen) -> awaitable<void> {
        auto visit = [&seen](int n) {
            return n == 0 ? refuse_cancellation() : count_how_it_ends(seen, after(30s, n));
        };
        std::vector<awaitable<void>> both;
        auto inner = [](decltype(visit)& each) -> awaitable<void> {
            co_await parallel::map(std::vector<int>{0, 1, 2}, each, parallel::options().limit(1));
        };
        both.push_back(inner(visit));
        both.push_back(until_one_began(seen));
        EXPECT_EQ(co_await parallel::race(std::move(both)), 1u);
    };
    counts seen;
    run_here(body(seen));
    EXPECT_EQ(seen.begun, 1);
    EXPECT_EQ(seen.cancelled, 1);
}

TEST(ParallelRace, TheFirstWinsAndTheOthersHaveEnded)
{
    auto body = []() -> awaitable<void> {
        counts losers;
        std::vector<awaitable<int>> runners;
        runners.push_back(count_how_it_ends(losers, after(30s, 0)));
        runners.push_back(after(5ms, 17));
        runners.push_back(count_how_it_ends(losers, after(30s, 0)));
        const auto [number, value] = co_await parallel::race(std::move(runners));
        EXPECT_EQ(number, 1u);
        EXPECT_EQ(value, 17);
        EXPECT_EQ(losers.cancelled, 2);
    };
    run_here(body());
}

TEST(ParallelRace, AFailureMayWin)
{
    auto body = []() -> awaitable<void> {
        std::vector<awaitable<int>> runners;
        runners.push_back(after(30s, 0));
        runners.push_back(fail_after(1ms, "won by failing"));
        co_await parallel::race(std::move(runners));
    };
    EXPECT_THROW(run_here(body()), std::runtime_error);
}

TEST(ParallelRace, WithoutRunnersIsAnError)
{
    auto body = []() -> awaitable<void> { co_await parallel::race(std::vector<awaitable<void>>()); };
    EXPECT_THROW(run_here(body()), std::invalid_argument);
}

/// A child that takes a step to clean up, shielded from the cancellation that ended it.
class tree : public test::scenario {
public:
    explicit tree(asio::io_context&) {}

    awaitable<void> body() override
    {
        auto branch = [this](int n) { return grow(n); };
        co_await parallel::map(std::vector<int>{0, 1, 2}, branch, parallel::options().limit(2));
        ended_whole_ = true;
    }
    void check() override
    {
        EXPECT_EQ(begun_, cleaned_up_ + destroyed_) << "a parent went on before its children had ended";
        if (ended_whole_) {
            EXPECT_EQ(cleaned_up_, 6);
        }
    }

private:
    struct leaf {
        explicit leaf(tree& in) : of(in) { ++of.begun_; }
        ~leaf()
        {
            if (!clean) ++of.destroyed_;
        }
        tree& of;
        bool clean = false;
    };

    awaitable<void> grow(int n)
    {
        std::vector<awaitable<void>> leaves;
        for (int i = 0; i < 2; ++i)
            leaves.push_back(visit());
        if (n == 1)
            co_await parallel::all(std::move(leaves), parallel::options().fail_fast());
        else
            co_await parallel::all(std::move(leaves));
    }

    awaitable<void> visit()
    {
        leaf mine(*this);
        try {
            co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
            co_await rest(0ms);
        } catch (const boost::system::system_error&) {
        }
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
        mine.clean = true;
        ++cleaned_up_;
    }

    int begun_ = 0;
    int cleaned_up_ = 0;
    int destroyed_ = 0;
    bool ended_whole_ = false;
};

TEST(Parallel, CancelledAtEveryStepWaitsForItsChildren)
{
    test::cancel_at_every_step([](asio::io_context& io) { return std::make_unique<tree>(io); });
}

TEST(Parallel, AbandonedAtEveryStep)
{
    test::abandon_at_every_step([](asio::io_context& io) { return std::make_unique<tree>(io); });
}

TEST(Parallel, ACancelledParentThrowsWhateverItsChildrenGave)
{
    asio::io_context io(1);
    asio::cancellation_signal stop;
    std::exception_ptr failure;
    auto body = []() -> awaitable<void> {
        auto stubborn = [](int) -> awaitable<int> {
            co_await parallel::settle(rest(30s));
            co_return 1; // swallows its cancellation
        };
        co_await parallel::map(std::vector<int>{1, 2}, stubborn);
        ADD_FAILURE() << "went on";
    };
    asio::co_spawn(io, body(),
                   asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr e) { failure = e; }));
    io.poll();
    stop.emit(asio::cancellation_type::terminal);
    test::run_guarded(io);
    EXPECT_TRUE(parallel::is_aborted(failure));
}

} // namespace
} // namespace graftline
