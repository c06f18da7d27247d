#include "graftline/runtime/base/clock.hpp"
#include "graftline/runtime/base/outcome.hpp"

#include "tests/support/cancel_at_every_step.hpp"
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace graftline {
namespace {

using namespace std::chrono_literals;

TEST(Iso8601, WritesMilliseconds)
{
    const utc_time when = std::chrono::sys_days(std::chrono::year(2026) / 1 / 2) + 3h + 4min + 5s + 678ms;
    EXPECT_EQ(to_iso8601(when), "2026-01-02T03:04:05.678Z");
    EXPECT_EQ(to_iso8601(utc_time{}), "1970-01-01T00:00:00.000Z");
    EXPECT_EQ(to_iso8601(utc_time{-1ms}), "1969-12-31T23:59:59.999Z");
}

TEST(Iso8601, ReadsWhatItWrites)
{
    for (const long long ms : {0LL, 1LL, 951'782'400'000LL, 1'767'323'045'678LL, 4'102'444'799'999LL}) {
        const utc_time when{std::chrono::milliseconds(ms)};
        EXPECT_EQ(from_iso8601(to_iso8601(when)), when) << ms;
    }
}

TEST(Iso8601, ReadsOtherFractions)
{
    const auto second = from_iso8601("2026-01-02T03:04:05Z");
    ASSERT_TRUE(second);
    EXPECT_EQ(from_iso8601("2026-01-02T03:04:05.5Z"), *second + 500ms);
    EXPECT_EQ(from_iso8601("2026-01-02T03:04:05.123999999Z"), *second + 123ms);
}

TEST(Iso8601, RefusesAnythingElse)
{
    for (const char* text :
         {"", "Z", "2026-01-02", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z",
          "2026-02-30T03:04:05Z", "2026-01-02T24:00:00Z", "2026-01-02T03:60:05Z", "2026-01-02T03:04:60Z",
          "2026-01-02T03:04:05.Z", "2026-01-02T03:04:05.1234567890Z", "2026-01-02T03:04:05.678Z ",
          "-026-01-02T03:04:05.678Z", "2026-01-02T03:04:05+01:00"})
        EXPECT_EQ(from_iso8601(text), std::nullopt) << text;
}

TEST(RealClock, WaitsUntilItsTime)
{
    auto body = []() -> awaitable<void> {
        const auto until = real_clock().steady_now() + 5ms;
        co_await real_clock().wait_until(until);
        EXPECT_GE(real_clock().steady_now(), until);
        co_await real_clock().wait_for(-1ms);
    };
    test::run_here(body());
    EXPECT_GT(to_iso8601(real_clock().now()), "2020");
}

awaitable<void> sleep_then_say(clock& time, std::chrono::milliseconds span, std::string word,
                               std::vector<std::string>& said)
{
    co_await time.wait_for(span);
    said.push_back(std::move(word));
}

TEST(ManualClock, WakesThoseWhoseTimeHasCome)
{
    asio::io_context io(1);
    manual_clock time;
    std::vector<std::string> said;
    for (const int ms : {30, 10, 20, 0})
        asio::co_spawn(io, sleep_then_say(time, std::chrono::milliseconds(ms), std::to_string(ms), said),
                       [](std::exception_ptr e) { EXPECT_FALSE(e); });
    io.poll();
    EXPECT_EQ(said, std::vector<std::string>{"0"});
    time.advance(10ms);
    io.poll();
    EXPECT_EQ(said, (std::vector<std::string>{"0", "10"}));
    time.advance(20ms);
    test::run_guarded(io);
    EXPECT_EQ(said.size(), 4u);
    EXPECT_EQ(time.now(), utc_time(30ms));
}

TEST(ManualClock, ASleeperCanBeCancelled)
{
    asio::io_context io(1);
    manual_clock time;
    std::vector<std::string> said;
    asio::cancellation_signal stop;
    std::exception_ptr failure;
    asio::co_spawn(io, sleep_then_say(time, 1h, "never", said),
                   asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr e) { failure = e; }));
    io.poll();
    stop.emit(asio::cancellation_type::terminal);
    test::run_guarded(io);
    EXPECT_TRUE(parallel::is_aborted(failure));
    time.advance(2h);
    EXPECT_TRUE(said.empty());
}

} // namespace
} // namespace graftline
