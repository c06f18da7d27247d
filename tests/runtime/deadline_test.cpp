#include "graftline/runtime/deadline.hpp"

#include <boost/asio/steady_timer.hpp>

#include "tests/support/cancel_at_every_step.hpp"
#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::run_here;

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
    EXPECT_EQ(run_here(within(30s, after(1ms, 5))), 5);
    EXPECT_TRUE(run_here(within(30s, rest(1ms))));
}

TEST(Within, TooLateIsNoValue)
{
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(run_here(within(5ms, after(30s, 5))), std::nullopt);
    EXPECT_FALSE(run_here(within(5ms, rest(30s))));
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST(Within, AFailureIsNeitherSwallowedNorLate)
{
    auto fail = []() -> awaitable<int> {
        co_await rest(1ms);
        throw std::runtime_error("failed");
    };
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_THROW(run_here(within(30s, fail())), std::runtime_error);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
}

TEST(Within, WhatEndsLateWithAValueCounts)
{
    auto stubborn = []() -> awaitable<int> {
        co_await parallel::settle(rest(30s));
        co_return 9;
    };
    EXPECT_EQ(run_here(within(5ms, stubborn())), 9);
}

TEST(Within, WhatEndsAtOnceLeavesNoAlarmBehind)
{
    asio::io_context io(1);
    auto at_once = []() -> awaitable<int> { co_return 1; };
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(run_here(io, within(30s, at_once())), 1);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
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
