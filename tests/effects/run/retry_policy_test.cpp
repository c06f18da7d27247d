#include "graftline/effects/agent/back_off.hpp"
#include "graftline/effects/agent/poll.hpp"
#include "graftline/effects/run/retry_policy.hpp"

#include "tests/effects/effects_on_record.hpp"
#include "tests/support/processes.hpp"
#include <gtest/gtest.h>

#include <algorithm>
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

TEST(RetryPolicy, ThePauseIsSpreadOverAllThatIsAllowed)
{
    using std::chrono::milliseconds;
    const retry_policy policy{5, milliseconds(1000), milliseconds(4000)};
    auto shortest = milliseconds::max(), longest = milliseconds::min();
    for (int i = 0; i < 500; ++i) {
        const auto pause = pause_after(2, policy);
        shortest = std::min(shortest, pause);
        longest = std::max(longest, pause);
    }
    EXPECT_LT(shortest, milliseconds(500));
    EXPECT_GT(longest, milliseconds(1500));
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

/// Fails the first time; notes when it is tried.
struct fails_once {
    static constexpr std::string_view kind = "fails_once";
    static constexpr retry_policy retries{3, std::chrono::hours(1), std::chrono::hours(1)};
    static inline std::vector<std::chrono::system_clock::time_point> tried;
    using outcome = test::said_back;
    std::string name;

    awaitable<result<test::said_back>> carry_out(run&) const
    {
        tried.push_back(std::chrono::system_clock::now());
        if (tried.size() == 1) co_return fault(errc::busy, "the lock of " + name + " is taken");
        co_return test::said_back{name};
    }
};
BOOST_DESCRIBE_STRUCT(fails_once, (), (name))

std::vector<journal_record> records_in(const std::filesystem::path& folder)
{
    database db(folder / "state.db");
    journal_reader rows(db, folder, 0, {});
    std::vector<journal_record> all;
    while (auto r = rows.next())
        all.push_back(std::move(*r));
    return all;
}

journal_record first_of(const std::vector<journal_record>& all, journal_event event)
{
    return std::ranges::find(all, event, &journal_record::event)[0];
}

/// Carries `body` out in a process that dies once such an event is on record: its loop is destroyed under it.
/// False when that does not come to be.
bool dies_at(test::workshop& w, const test::program& body, journal_event event)
{
    const auto folder = w.repo.git_folder() / "graftline";
    const store made(folder); // to be looked into from the beginning
    asio::io_context io(1);
    auto in = w.open(io);
    asio::co_spawn(io, test::carry_out_program(in, {}, body, test::ends::orderly),
                   [](std::exception_ptr, std::string) {});
    return test::soon([&] {
        io.restart();
        io.run_for(std::chrono::milliseconds(5));
        const auto all = records_in(folder);
        return std::ranges::find(all, event, &journal_record::event) != all.end();
    });
}

TEST(RetryPolicy, AnAttemptIsOnRecordWithItsFaultAndTheNextComesWhenThatSays)
{
    using std::chrono::system_clock;
    const auto milliseconds_of = [](system_clock::time_point time) {
        return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
    };
    fails_once::tried.clear();
    test::workshop w;
    test::program body = [](context& ctx) -> awaitable<void> {
        fails_once one{"x"};
        co_await ctx.perform(one);
    };
    const auto folder = w.repo.git_folder() / "graftline";
    ASSERT_TRUE(dies_at(w, body, journal_event::put_off)); // in the pause
    const auto before = records_in(folder);
    auto told = first_of(before, journal_event::put_off);
    EXPECT_EQ(told.path, "0.0");
    EXPECT_NE(told.body.find("the lock of x is taken"), std::string::npos) << told.body;
    EXPECT_GE(told.detail, milliseconds_of(fails_once::tried[0]));
    EXPECT_LE(told.detail, told.time_ms + 3'600'000);

    const auto due = system_clock::now() + std::chrono::milliseconds(500);
    told.detail = milliseconds_of(due);
    {
        database db(folder / "state.db");
        journal_inserter(db, folder).insert(told);
    }
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        const auto id = co_await in->must_store([](store& s) { return s.runs().front().id; });
        co_await test::carry_out_program(in, id, body, test::ends::orderly);
    });
    ASSERT_EQ(fails_once::tried.size(), 2u);
    EXPECT_GE(milliseconds_of(fails_once::tried[1]), told.detail);
    std::vector<std::int64_t> attempts;
    for (const auto& r : records_in(folder))
        if (r.event == journal_event::started) attempts.push_back(r.detail);
    EXPECT_EQ(attempts, (std::vector<std::int64_t>{1, 2}));
}

/// Fails until it is told that it may pass, and notes which attempt it was told to be.
struct placed_and_stubborn {
    static constexpr std::string_view kind = "placed_and_stubborn";
    static constexpr retry_policy retries{1000, std::chrono::milliseconds(1), std::chrono::milliseconds(5)};
    static inline std::vector<std::int64_t> told;
    static inline std::size_t passes_after = 0;
    using outcome = test::said_back;
    std::string name;

    awaitable<result<test::said_back>> carry_out(run&, const effect_place& here) const
    {
        told.push_back(here.attempt);
        if (told.size() <= passes_after) co_return fault(errc::busy, "the lock of " + name + " is taken");
        co_return test::said_back{name};
    }
};
BOOST_DESCRIBE_STRUCT(placed_and_stubborn, (), (name))

TEST(RetryPolicy, AnEffectIsToldWhichAttemptItIs)
{
    placed_and_stubborn::told.clear();
    placed_and_stubborn::passes_after = 3;
    test::workshop w;
    test::program body = [](context& ctx) -> awaitable<void> {
        placed_and_stubborn one{"x"};
        co_await ctx.perform(one);
    };
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        co_await test::carry_out_program(in, {}, body, test::ends::orderly);
    });
    EXPECT_EQ(placed_and_stubborn::told, (std::vector<std::int64_t>{1, 2, 3, 4}));
}

/// The machine's clock stood two days ahead when the pause began.
TEST(RetryPolicy, APauseIsNoLongerThanItsPolicyAllowsWhateverTheClockSays)
{
    placed_and_stubborn::told.clear();
    placed_and_stubborn::passes_after = 100'000;
    test::workshop w;
    test::program body = [](context& ctx) -> awaitable<void> {
        placed_and_stubborn one{"x"};
        co_await ctx.perform(one);
    };
    const auto folder = w.repo.git_folder() / "graftline";
    ASSERT_TRUE(dies_at(w, body, journal_event::put_off));
    auto ahead = first_of(records_in(folder), journal_event::put_off);
    ahead.detail += std::chrono::milliseconds(std::chrono::hours(48)).count();
    {
        database db(folder / "state.db");
        journal_inserter(db, folder).insert(ahead);
    }
    placed_and_stubborn::passes_after = 0;
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        const auto id = co_await in->must_store([](store& s) { return s.runs().front().id; });
        co_await test::carry_out_program(in, id, body, test::ends::orderly); // or it hangs
    });
}

/// A pause between two requests to an agent, begun two days ago.
TEST(RetryPolicy, APauseThatIsGoneOnWithCountsFromItsBeginning)
{
    test::workshop w;
    w.repo.commit_file("graftline.toml", "[run]\nbackoff = \"47h\"\n");
    const auto folder = w.repo.git_folder() / "graftline";
    test::program body = [](context& ctx) -> awaitable<void> {
        back_off waits{"aaa111", 1, "a rate limit"};
        co_await ctx.perform(waits);
    };
    w.with([](std::shared_ptr<project> in) -> awaitable<void> {
        task t;
        t.id = "aaa111";
        co_await in->must_store([&](store& s) { s.add(t); });
    });
    ASSERT_TRUE(dies_at(w, body, journal_event::started));
    const auto before = records_in(folder);
    auto long_ago = first_of(before, journal_event::started);
    long_ago.time_ms -= std::chrono::milliseconds(std::chrono::hours(48)).count();
    {
        database db(folder / "state.db");
        db.query("DELETE FROM journal WHERE number = ?", long_ago.number).run();
        journal_inserter(db, folder).insert(long_ago);
    }
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        const auto id = co_await in->must_store([](store& s) { return s.runs().front().id; });
        co_await test::carry_out_program(in, id, body, test::ends::orderly); // at once, or it hangs
    });
}

TEST(RetryPolicy, ACommandIsNotPolledLongerBecauseTheClockWasSetBack)
{
    test::workshop w;
    w.with([](std::shared_ptr<project> in) -> awaitable<void> {
        test::program body = [](context& ctx) -> awaitable<void> {
            const poll never{{"false"}, 1, 5};
            effect_place here{"0.0", 1, std::chrono::system_clock::now() + std::chrono::hours(48)};
            const auto ended = co_await never.carry_out(ctx.in(), here); // or it hangs
            EXPECT_TRUE(ended.has_value() && !ended->passed);
        };
        co_await test::carry_out_program(in, {}, body, test::ends::orderly);
    });
}

} // namespace
} // namespace graftline::effects
