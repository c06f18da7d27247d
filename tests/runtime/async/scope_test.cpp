#include "graftline/runtime/async/scope.hpp"
#include "graftline/runtime/base/outcome.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/support/cancel_at_every_step.hpp"
#include <gtest/gtest.h>

#include <stdexcept>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::run_here;

awaitable<void> rest(std::chrono::milliseconds span)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, span);
    co_await timer.async_wait(use_awaitable);
}

awaitable<void> count_up(int& counter)
{
    co_await rest(1ms);
    ++counter;
}

awaitable<void> fail()
{
    co_await rest(1ms);
    throw std::runtime_error("a child failed");
}

TEST(Scope, JoinWaitsForAll)
{
    auto body = [](int& counter) -> awaitable<void> {
        scope children(co_await asio::this_coro::executor);
        for (int i = 0; i < 10; ++i)
            children.spawn(count_up(counter));
        EXPECT_EQ(children.running(), 10u);
        co_await children.join();
    };
    int counter = 0;
    run_here(body(counter));
    EXPECT_EQ(counter, 10);
}

TEST(Scope, TheFirstFailureCancelsTheOthersAndComesOutOfJoin)
{
    auto body = []() -> awaitable<void> {
        scope children(co_await asio::this_coro::executor);
        children.spawn(rest(30s));
        children.spawn(fail());
        co_await children.join();
    };
    EXPECT_THROW(run_here(body()), std::runtime_error);
}

TEST(Scope, CancelledChildrenAreNoFailure)
{
    auto body = []() -> awaitable<void> {
        scope children(co_await asio::this_coro::executor);
        children.spawn(rest(30s));
        children.cancel();
        int never = 0;
        children.spawn(count_up(never));
        co_await children.join();
        EXPECT_EQ(never, 0) << "after cancel no child begins";
    };
    run_here(body());
}

TEST(Scope, CanBeJoinedInTheCleanupOfACancelledCaller)
{
    asio::io_context io(1);
    asio::cancellation_signal stop;
    int cleaned_up = 0;
    auto body = [](int& counter) -> awaitable<void> {
        scope children(co_await asio::this_coro::executor);
        co_await parallel::settle(rest(30s));
        co_await asio::this_coro::throw_if_cancelled(false);
        children.spawn(count_up(counter));
        co_await children.join();
    };
    asio::co_spawn(io, body(cleaned_up),
                   asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr) {}));
    io.poll();
    stop.emit(asio::cancellation_type::terminal);
    test::run_guarded(io);
    EXPECT_EQ(cleaned_up, 1);
}

awaitable<void> forget_to_join()
{
    scope children(co_await asio::this_coro::executor);
    children.spawn(rest(30s));
}

TEST(ScopeDeathTest, GoingWithoutJoinEndsTheProgram)
{
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(run_here(forget_to_join()), "1 of its children ran: join it first");
}

class family : public test::scenario {
public:
    explicit family(asio::io_context&) {}

    awaitable<void> body() override
    {
        scope children(co_await asio::this_coro::executor);
        for (int i = 0; i < 3; ++i)
            children.spawn(live());
        co_await children.join();
    }
    void check() override { EXPECT_EQ(alive_, 0); }

private:
    struct presence {
        explicit presence(int& count) : alive(count) { ++alive; }
        ~presence() { --alive; }
        int& alive;
    };
    awaitable<void> live()
    {
        const presence here(alive_);
        co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
        co_await rest(0ms);
    }

    int alive_ = 0;
};

TEST(Scope, CancelledAtEveryStep)
{
    test::cancel_at_every_step([](asio::io_context& io) { return std::make_unique<family>(io); });
}

TEST(Scope, AbandonedAtEveryStep)
{
    test::abandon_at_every_step([](asio::io_context& io) { return std::make_unique<family>(io); });
}

} // namespace
} // namespace graftline
