#include "graftline/runtime/async/deadline.hpp"

#include <boost/asio/steady_timer.hpp>

#include "tests/support/cancel_at_every_step.hpp"
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::run_here;

constexpr auto for_ever = 1h; // the hang guard is sooner

awaitable<int> after(std::chrono::milliseconds span, int value)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, span);
    co_await timer.async_wait(use_awaitable);
    co_return value;
}

awaitable<void> rest(std::chrono::milliseconds span)
{
    co_await after(span, 0);
}

TEST(Within, GivesTheValueInTime)
{
    EXPECT_EQ(run_here(within(for_ever, after(1ms, 5))), 5);
    EXPECT_TRUE(run_here(within(for_ever, rest(1ms))));
}

TEST(Within, TooLateIsNoValue)
{
    EXPECT_EQ(run_here(within(5ms, after(for_ever, 5))), std::nullopt);
    EXPECT_FALSE(run_here(within(5ms, rest(for_ever))));
}

TEST(Within, AFailureIsNeitherSwallowedNorLate)
{
    auto fail = []() -> awaitable<int> {
        co_await rest(1ms);
        throw std::runtime_error("failed");
    };
    EXPECT_THROW(run_here(within(for_ever, fail())), std::runtime_error);
}

TEST(Within, WhatEndsLateWithAValueCounts)
{
    auto stubborn = []() -> awaitable<int> {
        co_await parallel::settle(rest(for_ever));
        co_return 9;
    };
    EXPECT_EQ(run_here(within(5ms, stubborn())), 9);
}

TEST(Within, WhatEndsAtOnceLeavesNoAlarmBehind)
{
    asio::io_context io(1);
    auto at_once = []() -> awaitable<int> { co_return 1; };
    EXPECT_EQ(run_here(io, within(for_ever, at_once())), 1);
}

class limited : public test::scenario {
public:
    explicit limited(asio::io_context&) {}
    awaitable<void> body() override
    {
        co_await within(1ms, after(0ms, 1));
        co_await within(0ms, rest(1ms));
    }
};

TEST(Within, CancelledAtEveryStep)
{
    test::cancel_at_every_step([](asio::io_context& io) { return std::make_unique<limited>(io); });
}

TEST(Within, AbandonedAtEveryStep)
{
    test::abandon_at_every_step([](asio::io_context& io) { return std::make_unique<limited>(io); });
}

} // namespace
} // namespace graftline
