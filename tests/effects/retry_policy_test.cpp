#include "graftline/effects/retry_policy.hpp"

#include "tests/effects/effects_on_record.hpp"
#include <gtest/gtest.h>

#include <cerrno>

namespace graftline::effects {
namespace {

TEST(RetryPolicy, OnlyWhatMayPassIsTriedAgain)
{
    EXPECT_TRUE(is_worth_another_attempt(fault(errc::busy, "locked")));
    EXPECT_TRUE(is_worth_another_attempt(system_fault(EAGAIN, "for now")));
    EXPECT_FALSE(is_worth_another_attempt(system_fault(ENOSPC, "full")));
    for (const auto code : {errc::refused, errc::invalid, errc::not_found, errc::no_space, errc::corrupt})
        EXPECT_FALSE(is_worth_another_attempt(fault(code, "no")));
}

TEST(RetryPolicy, ThePauseIsAnywhereBelowALimitThatDoubles)
{
    using std::chrono::milliseconds;
    const retry_policy policy{5, milliseconds(100), milliseconds(300)};
    for (int attempt = 1; attempt < 40; ++attempt)
        for (int i = 0; i < 50; ++i) {
            const auto pause = pause_after(attempt, policy);
            EXPECT_GE(pause, milliseconds(0));
            EXPECT_LE(pause, milliseconds(attempt == 1 ? 100 : attempt == 2 ? 200 : 300));
        }
}

/// Finds its lock taken a few times.
struct stubborn {
    static constexpr std::string_view kind = "stubborn";
    static constexpr retry_policy retries{4, std::chrono::milliseconds(2), std::chrono::milliseconds(5)};
    using outcome = test::said_back;

    std::string name;
    std::int64_t failures = 0;

    awaitable<result<test::said_back>> carry_out(run&) const
    {
        if (++test::stage::present().carried_out[name] <= failures)
            co_return fault(errc::busy, "the lock of " + name + " is taken");
        co_return test::said_back{name};
    }
};
BOOST_DESCRIBE_STRUCT(stubborn, (), (name, failures))

TEST(RetryPolicy, AnEffectIsTriedAgainAndOnlyItsLastFaultCounts)
{
    test::stage::present().carried_out.clear();
    test::workshop w;
    std::string heard;
    fault last(errc::internal, "");
    w.with([&](std::shared_ptr<project> in) -> awaitable<int> {
        test::program body = [&](context& ctx) -> awaitable<void> {
            stubborn patient{"patient", 3};
            heard = (co_await ctx.perform(patient)).text;
            stubborn hopeless{"hopeless", 99};
            last = (co_await ctx.try_perform(hopeless)).error();
        };
        co_await test::carry_out_program(in, {}, body, test::ends::orderly);
        co_return 0;
    });
    EXPECT_EQ(heard, "patient");
    EXPECT_EQ(test::stage::present().carried_out["patient"], 4);
    EXPECT_EQ(test::stage::present().carried_out["hopeless"], 4);
    EXPECT_TRUE(last.is(errc::busy));
}

} // namespace
} // namespace graftline::effects
