#include <boost/asio/redirect_error.hpp>

#include "tests/effects/effects_on_record.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

using test::ends;
using test::program;
using test::say;
using test::stage;

/// A program is run to its end or to its death, and then once more.
class Replay : public testing::Test {
protected:
    Replay() { stage::present() = stage(); }

    std::string first(program body, ends how = ends::as_killed)
    {
        return place_.with([&](std::shared_ptr<project> in) {
            return test::carry_out_program(std::move(in), {}, body, how);
        });
    }
    void again(const std::string& id, program body, ends how = ends::as_killed)
    {
        stage::present().carried_out.clear();
        place_.with([&](std::shared_ptr<project> in) {
            return test::carry_out_program(std::move(in), id, body, how);
        });
    }
    static int times(const std::string& name) { return stage::present().carried_out[name]; }

    /// The journal, a record a line.
    std::vector<std::string> told(const std::string& id)
    {
        return place_.with([&](std::shared_ptr<project> in) -> awaitable<std::vector<std::string>> {
            co_return co_await in->must_store([&](store& s) {
                std::vector<std::string> lines;
                s.read_journal(0, s.find_run(id).number, [&](journal_record&& r) {
                    lines.push_back(std::string(to_string(r.event)) + " " + r.path);
                    return true;
                });
                return lines;
            });
        });
    }

    test::workshop place_;
};

TEST_F(Replay, AnswersFromTheJournalAndGoesOnWhereItEnds)
{
    std::vector<std::string> heard;
    bool to_the_end = false;
    program body = [&](context& ctx) -> awaitable<void> {
        say one{"one", false, false, {}}, two{"two", false, true, {}}, three{"three", false, false, {}};
        heard.push_back((co_await ctx.perform(one)).text);
        const auto failed = co_await ctx.try_perform(two);
        heard.push_back(failed.error().message());
        if (!to_the_end) co_return;
        heard.push_back((co_await ctx.perform(three)).text);
    };
    const auto id = first(body);
    const auto before = std::exchange(heard, {});
    to_the_end = true;
    again(id, body);
    EXPECT_EQ(times("one") + times("two"), 0);
    EXPECT_EQ(times("three"), 1);
    ASSERT_EQ(heard.size(), 3u);
    EXPECT_EQ(heard[0], before[0]);
    EXPECT_EQ(heard[1], before[1]);
    EXPECT_THAT(heard[1], testing::HasSubstr("Try again."));
    again(id, body, ends::orderly);
    EXPECT_EQ(times("three"), 0);
}

TEST_F(Replay, ARaceHasTheSameWinnerAndTheLosersAreCancelledAgain)
{
    std::size_t winner = 9;
    std::vector<std::string> ended;
    program body = [&](context& ctx) -> awaitable<void> {
        auto runner = [&](std::string name) {
            return [&ended, name](context& own) -> awaitable<int> {
                say mine{name, true, false, {}};
                try {
                    co_await own.perform(mine);
                } catch (const cancelled&) {
                    ended.push_back(name + " cancelled");
                    throw;
                }
                ended.push_back(name);
                co_return 1;
            };
        };
        std::vector<fan_out::child<int>> runners{runner("a"), runner("b"), runner("c")};
        winner = (co_await ctx.parallel.race(std::move(runners))).first;
    };
    int begun = 0;
    stage::present().on_begin = [&] {
        if (++begun == 3) stage::present().end("b");
    };
    const auto id = first(body);
    EXPECT_EQ(winner, 1u);
    const auto before = std::exchange(ended, {});
    again(id, body);
    EXPECT_EQ(winner, 1u);
    EXPECT_EQ(ended, before);
    EXPECT_TRUE(stage::present().carried_out.empty());
}

TEST_F(Replay, SiblingsThatShareAVariableFindItAsBefore)
{
    std::string shared;
    program body = [&](context& ctx) -> awaitable<void> {
        std::vector<std::string> names{"a", "b", "c", "d"};
        auto one = [&](context& own, std::string name) -> awaitable<void> {
            say first{name, true, false, {}};
            co_await own.perform(first);
            say second{name + shared, false, false, {}}; // what it asks for depends on who came before
            shared += (co_await own.perform(second)).text + " ";
        };
        auto outcomes = co_await ctx.parallel.map(names, one);
        for (auto& o : outcomes)
            o.value();
    };
    int begun = 0;
    stage::present().on_begin = [&] {
        if (++begun < 4) return;
        for (const auto* name : {"c", "a", "d", "b"})
            stage::present().end(name);
    };
    const auto id = first(body);
    const auto before = std::exchange(shared, {});
    EXPECT_NE(before, "");
    again(id, body);
    EXPECT_EQ(shared, before);
    EXPECT_TRUE(stage::present().carried_out.empty());
}

TEST_F(Replay, AMapThatFailsFastStartsNothingAfterTheFailure)
{
    std::vector<bool> values;
    program body = [&](context& ctx) -> awaitable<void> {
        std::vector<std::string> names{"a", "bad", "c", "d"};
        auto one = [&](context& own, std::string name) -> awaitable<void> {
            say mine{name, true, name == "bad", {}};
            co_await own.perform(mine);
            say then{name + "2", false, false, {}};
            co_await own.perform(then);
        };
        auto outcomes = co_await ctx.parallel.map(names, one, parallel::options().limit(2).fail_fast());
        values.clear();
        for (auto& o : outcomes)
            values.push_back(o.has_value());
    };
    int begun = 0;
    stage::present().on_begin = [&] {
        if (++begun == 2) stage::present().end("bad");
    };
    const auto id = first(body);
    const auto before = values;
    EXPECT_EQ(before, (std::vector<bool>{false, false, false, false}));
    again(id, body);
    EXPECT_EQ(values, before);
    EXPECT_TRUE(stage::present().carried_out.empty());
}

TEST_F(Replay, WhatWasOpenIsCarriedOutAgainAndCounted)
{
    program body = [](context& ctx) -> awaitable<void> {
        say one{"one", false, false, {}}, two{"two", true, false, {}};
        co_await ctx.perform(one);
        co_await ctx.perform(two);
    };
    // The process dies while the second effect is on its way: its loop is destroyed under it.
    std::string id;
    {
        asio::io_context io(1);
        auto in = place_.open(io);
        stage::present().on_begin = [&] { io.stop(); };
        asio::co_spawn(io, test::carry_out_program(in, {}, body, ends::as_killed),
                       [](std::exception_ptr, std::string) {});
        io.restart();
        io.run();
        stage::present().bells.clear();
    }
    place_.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        id = co_await in->must_store([](store& s) { return s.runs().front().id; });
    });
    EXPECT_THAT(told(id), testing::ElementsAre("run ", "requested 0.0", "started 0.0", "resolved 0.0",
                                               "delivered 0.0", "requested 0.1", "started 0.1"));
    stage::present().on_begin = [] { stage::present().end("two"); };
    again(id, body, ends::orderly);
    EXPECT_EQ(times("one"), 0);
    EXPECT_EQ(times("two"), 1);
    EXPECT_THAT(told(id),
                testing::IsSupersetOf({"started 0.1", "started 0.1", "resolved 0.1", "delivered 0.1"}));
}

template <class Body> fault divergence_of(Body body)
{
    try {
        body();
    } catch (const diverged& e) {
        return e.why;
    }
    return {};
}

TEST_F(Replay, AnotherProgramIsRefusedWithWhatDiffers)
{
    std::string more = "before";
    bool twice = false;
    program body = [&](context& ctx) -> awaitable<void> {
        say one{"one", false, false, more}, two{"two", false, false, {}};
        co_await ctx.perform(one);
        if (twice) co_await ctx.perform(two);
    };
    twice = true;
    const auto id = first(body);
    more = "after";
    auto why = divergence_of([&] { again(id, body); });
    EXPECT_TRUE(why.is(errc::refused)) << why.message();
    EXPECT_THAT(why.message(), testing::AllOf(testing::HasSubstr("0.0"), testing::HasSubstr("say"),
                                              testing::HasSubstr("arguments more")));
    EXPECT_EQ(times("one") + times("two"), 0);
    more = "before";
    again(id, body);
}

TEST_F(Replay, AnEffectThatIsNotAskedForAnyMoreStopsIt)
{
    bool with_two = true;
    program body = [&](context& ctx) -> awaitable<void> {
        std::vector<int> numbers{0, 1};
        auto one = [&](context& own, int n) -> awaitable<void> {
            say mine{std::to_string(n), false, false, {}};
            if (n == 0 || with_two) co_await own.perform(mine);
            say then{"then", true, false, {}};
            if (n == 0) co_await own.perform(then);
        };
        auto outcomes = co_await ctx.parallel.map(numbers, one);
        for (auto& o : outcomes)
            o.value();
    };
    stage::present().on_begin = [] { stage::present().end("then"); };
    const auto id = first(body);
    with_two = false;
    const auto why = divergence_of([&] { again(id, body); });
    EXPECT_TRUE(why.is(errc::refused)) << why.message();
    EXPECT_THAT(why.message(), testing::HasSubstr("0.0.1.0"));
}

TEST_F(Replay, AProgramThatEndsBeforeWhatIsOnRecordIsRefusedAndHasNotEnded)
{
    bool twice = true;
    program body = [&](context& ctx) -> awaitable<void> {
        say one{"one", false, false, {}}, two{"two", false, false, {}};
        co_await ctx.perform(one);
        if (twice) co_await ctx.perform(two);
    };
    const auto id = first(body);
    twice = false;
    try {
        again(id, body, ends::orderly);
        ADD_FAILURE() << "it is not refused";
    } catch (const fault_error& e) {
        EXPECT_TRUE(e.why().is(errc::refused)) << e.why().message();
        EXPECT_THAT(e.why().message(), testing::HasSubstr("0.1"));
    }
    twice = true;
    again(id, body, ends::orderly);
    EXPECT_EQ(times("one") + times("two"), 0);
}

/// Whose members are not all on record, nor all of its faults.
struct partly_told {
    std::string told;
    std::string untold;
};
BOOST_DESCRIBE_STRUCT(partly_told, (), (told))

struct tell_partly {
    static constexpr std::string_view kind = "tell_partly";
    using outcome = partly_told;
    bool fails = false;
    awaitable<result<partly_told>> carry_out(run&) const
    {
        if (fails) co_return fault(make_error_code(asio::error::eof), "broke off");
        co_return partly_told{"told", "untold"};
    }
};
BOOST_DESCRIBE_STRUCT(tell_partly, (), (fails))

TEST_F(Replay, TheFirstRunGetsNothingThatAReplayWouldNot)
{
    std::vector<std::string> heard;
    program body = [&](context& ctx) -> awaitable<void> {
        tell_partly works, breaks{true};
        const auto one = co_await ctx.perform(works);
        const auto two = co_await ctx.try_perform(breaks);
        heard = {one.told, one.untold, two.error().code().category().name(), two.error().message()};
    };
    const auto id = first(body);
    EXPECT_EQ(heard.at(0), "told");
    EXPECT_EQ(heard.at(1), "");
    const auto live = std::exchange(heard, {});
    again(id, body);
    EXPECT_EQ(heard, live);
}

/// As one that the user's Ctrl-C reaches.
struct be_interrupted {
    static constexpr std::string_view kind = "be_interrupted";
    static inline bool now = true;
    using outcome = test::said_back;
    std::string name;
    awaitable<result<test::said_back>> carry_out(run& r) const
    {
        if (!now) co_return test::said_back{name};
        r.stop();
        throw boost::system::system_error(asio::error::operation_aborted);
    }
};
BOOST_DESCRIBE_STRUCT(be_interrupted, (), (name))

TEST_F(Replay, WhatABodyMakesOfAnInterruptionIsIgnored)
{
    int refused = 0;
    std::string id, heard;
    program body = [&](context& ctx) -> awaitable<void> {
        id = ctx.in().id();
        be_interrupted one{"one"};
        say two{"two", false, false, {}};
        for (int i = 0; i < 3; ++i)
            try {
                if (i == 0)
                    heard = (co_await ctx.perform(one)).text;
                else
                    co_await ctx.perform(two);
            } catch (const interrupted&) {
                ++refused;
            }
    };
    be_interrupted::now = true;
    first(body, ends::orderly);
    EXPECT_EQ(refused, 3) << "again and again";
    EXPECT_EQ(times("two"), 0);
    EXPECT_THAT(told(id), testing::ElementsAre("run ", "requested 0.0", "started 0.0", "run "));
    const auto outcome = place_.with([&](std::shared_ptr<project> in) -> awaitable<std::string> {
        co_return co_await in->must_store([&](store& s) { return s.find_run(id).outcome; });
    });
    EXPECT_EQ(outcome, "interrupted") << "though the body returned";
    be_interrupted::now = false;
    again(id, body, ends::orderly);
    EXPECT_EQ(heard, "one");
    EXPECT_EQ(times("two"), 2);
}

/// A bug, once.
struct run_into_a_bug {
    static constexpr std::string_view kind = "run_into_a_bug";
    static inline bool is_mended = false;
    using outcome = test::said_back;
    std::string name;
    awaitable<result<test::said_back>> carry_out(run&) const
    {
        if (!is_mended) throw std::out_of_range("a bug");
        co_return test::said_back{name};
    }
};
BOOST_DESCRIBE_STRUCT(run_into_a_bug, (), (name))

TEST_F(Replay, ABugInAnEffectIsNoOutcomeOfIt)
{
    std::string id;
    program body = [&](context& ctx) -> awaitable<void> {
        id = ctx.in().id();
        run_into_a_bug one{"one"};
        co_await ctx.perform(one);
    };
    run_into_a_bug::is_mended = false;
    EXPECT_THROW(first(body), std::out_of_range);
    EXPECT_THAT(told(id), testing::ElementsAre("run ", "requested 0.0", "started 0.0"));
    run_into_a_bug::is_mended = true;
    again(id, body, ends::orderly);
}

TEST_F(Replay, EachProcessThatCarriesARunOutIsOnRecordBeforeWhatItStarts)
{
    program body = [](context& ctx) -> awaitable<void> {
        say one{"one", false, false, {}};
        co_await ctx.perform(one);
    };
    const auto id = first(body);
    again(id, body);
    place_.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        co_await in->must_store([&](store& s) {
            int owners = 0;
            s.read_journal(0, s.find_run(id).number, [&](journal_record&& r) {
                if (r.event != journal_event::run) return true;
                const auto who = json::parse(r.body);
                EXPECT_EQ(who.at("pid"), json::value(::getpid()));
                EXPECT_GT(who.at("start_time").to_number<std::int64_t>(), 0);
                EXPECT_NE(who.at("boot_id").as_string(), "");
                ++owners;
                return true;
            });
            EXPECT_EQ(owners, 2);
        });
    });
}

TEST_F(Replay, AnInterruptedRunRecordsNoOutcome)
{
    program body = [](context& ctx) -> awaitable<void> {
        say one{"one", true, false, {}};
        stage::present().on_begin = [&] {
            ctx.in().stop();
            stage::present().end("one");
        };
        const auto done = co_await ctx.try_perform(one);
        EXPECT_TRUE(done) << "what was done before it noticed counts";
        say two{"two", false, false, {}};
        co_await ctx.perform(two);
    };
    EXPECT_THROW(first(body, ends::orderly), interrupted);
    EXPECT_EQ(times("two"), 0);
}

TEST_F(Replay, ABugEndsTheRunUnrecordedSoThatAMendedProgramGoesOn)
{
    bool mended = false;
    program body = [&](context& ctx) -> awaitable<void> {
        say one{"one", false, false, {}}, two{"two", false, false, {}};
        co_await ctx.perform(one);
        if (!mended) throw std::out_of_range("a bug");
        co_await ctx.perform(two);
    };
    std::string id;
    EXPECT_THROW(first(body), std::out_of_range);
    place_.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        id = co_await in->must_store([](store& s) { return s.runs().front().id; });
    });
    mended = true;
    again(id, body, ends::orderly);
    EXPECT_EQ(times("one"), 0);
    EXPECT_EQ(times("two"), 1);
}

// Of each task it is asked whether it had begun, and most that had are over: by looking through all of them
// that would be four thousand million comparisons.
TEST(LongPast, IsSearchedByPath)
{
    constexpr int tasks = 60'000;
    asio::io_context io(1);
    const auto past = std::make_shared<replay>(io.get_executor());
    for (int i = 0; i < tasks; ++i)
        for (const auto event :
             {journal_event::requested, journal_event::resolved, journal_event::delivered}) {
            journal_record r;
            r.event = event;
            r.path = "0." + std::to_string(i) + ".0";
            r.kind = "say";
            past->take(std::move(r));
        }
    for (int i = 0; i < tasks; ++i) {
        const auto path = "0." + std::to_string(i);
        ASSERT_TRUE(past->knows(path));
        past->skip(path);
    }
    EXPECT_TRUE(past->knows("0"));
    EXPECT_FALSE(past->knows("0.1.0")) << "nothing is below an effect";
    EXPECT_FALSE(past->knows("0." + std::to_string(tasks)));
    past->conclude();
    EXPECT_FALSE(past->failure()) << "all that is left was skipped";
}

TEST_F(Replay, PerformingOnAContextThatWaitsIsRefused)
{
    program body = [](context& ctx) -> awaitable<void> {
        std::vector<int> two{0, 1};
        auto wrong = [&](context&, int n) -> awaitable<void> {
            say mine{std::to_string(n), false, false, {}};
            co_await ctx.perform(mine);
        };
        auto outcomes = co_await ctx.parallel.map(two, wrong);
        outcomes.front().value();
    };
    EXPECT_THROW(first(body), std::logic_error);
}

} // namespace
} // namespace graftline::effects
