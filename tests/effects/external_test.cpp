// What a body awaits that is no effect: it holds nobody up, is awaited anew when the run is gone on with, and
// a strand that awaits it in another way is named.
#include "graftline/effects/run/strand_watch.hpp"

#include <boost/asio/co_spawn.hpp>

#include "tests/effects/effects_on_record.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

using namespace std::chrono_literals;
using test::ends;
using test::program;
using test::say;
using test::stage;

/// Rung once by one strand, waited for by another.
class bell {
public:
    awaitable<void> wait()
    {
        timer_.emplace(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
        while (!rung_) {
            co_await timer_->async_wait(asio::as_tuple(use_awaitable));
            if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none)
                break;
        }
        timer_.reset();
    }
    void ring()
    {
        rung_ = true;
        if (timer_) timer_->cancel();
    }

private:
    std::optional<asio::steady_timer> timer_;
    bool rung_ = false;
};

using children = std::vector<fan_out::child<int>>;

class External : public testing::Test {
protected:
    External() { stage::present() = stage(); }

    /// Carries `body` out, as a new run or as the one with this id.
    std::string carry_out(program body, std::string id = {}, ends how = ends::as_killed)
    {
        stage::present().carried_out.clear();
        return w.with(
            [&](std::shared_ptr<project> in) { return test::carry_out_program(in, id, body, how); });
    }
    /// Runs the two side by side; rethrows what they threw.
    static awaitable<void> both(context& ctx, fan_out::child<int> a, fan_out::child<int> b)
    {
        children all;
        all.push_back(std::move(a));
        all.push_back(std::move(b));
        auto outcomes = co_await ctx.parallel.all(std::move(all));
        for (auto& o : outcomes)
            o.value();
    }
    static awaitable<int> say_it(context& ctx, std::string name)
    {
        say mine{std::move(name), false, false, {}};
        co_await ctx.perform(mine);
        co_return 1;
    }

    test::workshop w;
};

TEST_F(External, AStrandThatSleepsHoldsNoOutcomeOfAnotherUp)
{
    manual_clock time;
    bool delivered = false;
    program body = [&](context& ctx) -> awaitable<void> {
        auto sleeps = [&](context& own) -> awaitable<int> {
            co_await own.external(time.wait_for(2s));
            EXPECT_TRUE(delivered);
            co_return co_await say_it(own, "after the sleep");
        };
        auto works = [&](context& own) -> awaitable<int> {
            co_await say_it(own, "at once");
            delivered = true;
            time.advance(2s); // otherwise the other would sleep for ever
            co_return 1;
        };
        co_await both(ctx, sleeps, works);
    };
    const auto id = carry_out(body);
    EXPECT_EQ(stage::present().carried_out["after the sleep"], 1);
}

TEST_F(External, AStrandMayWaitForABellThatAnotherRingsAfterItsEffect)
{
    std::vector<std::string> order;
    std::optional<bell> rings;
    program body = [&](context& ctx) -> awaitable<void> {
        order.clear();
        rings.emplace();
        auto waits = [&](context& own) -> awaitable<int> {
            co_await own.external(rings->wait());
            co_await say_it(own, "second");
            order.push_back("second");
            co_return 1;
        };
        auto works = [&](context& own) -> awaitable<int> {
            co_await say_it(own, "first");
            order.push_back("first");
            rings->ring();
            co_return co_await say_it(own, "third");
        };
        co_await both(ctx, waits, works);
    };
    const auto id = carry_out(body);
    EXPECT_THAT(order, testing::ElementsAre("first", "second"));
    carry_out(body, id, ends::orderly);
    EXPECT_THAT(order, testing::ElementsAre("first", "second"));
    EXPECT_TRUE(stage::present().carried_out.empty()) << "all of it was on record";
}

// What a strand asks for after it was away is on record before what others ask for: a replay that took the
// strand for one at rest would say that the program differs.
TEST_F(External, AReplayWaitsForAStrandThatIsAway)
{
    std::chrono::milliseconds time = 0ms;
    program body = [&](context& ctx) -> awaitable<void> {
        std::optional<bell> done;
        done.emplace();
        auto away = [&](context& own) -> awaitable<int> {
            co_await own.external(real_clock().wait_for(time));
            co_await say_it(own, "away");
            done->ring();
            co_return 1;
        };
        auto here = [&](context& own) -> awaitable<int> {
            co_await say_it(own, "one");
            co_await own.external(done->wait());
            co_return co_await say_it(own, "two");
        };
        co_await both(ctx, away, here);
    };
    const auto id = carry_out(body);
    time = 30ms;
    carry_out(body, id, ends::orderly);
    EXPECT_TRUE(stage::present().carried_out.empty());
}

TEST_F(External, AStrandThatComesBackAndAsksForSomethingElseIsStillSeen)
{
    bool asks = true;
    program body = [&](context& ctx) -> awaitable<void> {
        auto away = [&](context& own) -> awaitable<int> {
            co_await own.external(real_clock().wait_for(1ms));
            if (asks) co_await say_it(own, "away");
            co_return 1;
        };
        auto here = [&](context& own) -> awaitable<int> { co_return co_await say_it(own, "one"); };
        co_await both(ctx, away, here);
    };
    const auto id = carry_out(body);
    asks = false;
    try {
        carry_out(body, id, ends::orderly);
        ADD_FAILURE() << "it is not refused";
    } catch (const diverged& e) {
        EXPECT_THAT(e.why.message(), testing::HasSubstr("0.0.0.1"));
    } catch (const fault_error& e) {
        EXPECT_THAT(e.why().message(), testing::HasSubstr("0.0.0.1"));
    }
}

TEST_F(External, TheContextWaitsMeanwhile)
{
    program body = [&](context& ctx) -> awaitable<void> {
        auto wrong = [&]() -> awaitable<int> { return say_it(ctx, "wrong"); };
        co_await ctx.external(wrong());
    };
    EXPECT_THROW(carry_out(body), std::logic_error);
}

TEST_F(External, IsCancelledWithItsStrand)
{
    bool aborted = false;
    program body = [&](context& ctx) -> awaitable<void> {
        children all;
        all.push_back([&](context& own) -> awaitable<int> {
            manual_clock never;
            try {
                co_await own.external(never.wait_for(1h));
            } catch (const boost::system::system_error& e) {
                aborted = e.code() == asio::error::operation_aborted;
                throw;
            }
            co_return 1;
        });
        all.push_back([&](context& own) { return say_it(own, "quick"); });
        const auto first = co_await ctx.parallel.race(std::move(all));
        EXPECT_EQ(first.first, 1u);
        co_await say_it(ctx, "after the race");
    };
    const auto id = carry_out(body);
    EXPECT_TRUE(aborted);
    carry_out(body, id, ends::orderly);
    EXPECT_TRUE(stage::present().carried_out.empty());
}

// A race that a timer won is won by it again, however long it takes this time.
TEST_F(External, WhatEndedFirstEndsFirstAgain)
{
    std::vector<std::size_t> winners;
    std::chrono::milliseconds limit = 0ms;
    program body = [&](context& ctx) -> awaitable<void> {
        children all;
        all.push_back([&](context& own) -> awaitable<int> {
            co_await own.external(real_clock().wait_for(limit));
            co_return 1;
        });
        all.push_back([&](context& own) -> awaitable<int> {
            say slow{"slow", true, false, {}};
            co_await own.perform(slow);
            co_return 2;
        });
        winners.push_back((co_await ctx.parallel.race(std::move(all))).first);
        co_await say_it(ctx, "after the race");
    };
    const auto id = carry_out(body);
    limit = 20ms;
    carry_out(body, id, ends::orderly);
    EXPECT_THAT(winners, testing::ElementsAre(0u, 0u));
    EXPECT_TRUE(stage::present().carried_out.empty());
}

/// What the run's observer was told.
struct notes : observer {
    std::vector<std::string> all;
    void note(std::string_view sentence) override { all.emplace_back(sentence); }
};

TEST_F(External, AStrandThatForgetsToSaySoIsNamedAfterFiveSeconds)
{
    manual_clock time;
    notes told;
    bell rings;
    program body = [&](context& ctx) -> awaitable<void> {
        auto forgets = [&](context&) -> awaitable<int> {
            co_await rings.wait(); // not by external
            co_return 1;
        };
        auto works = [&](context& own) { return say_it(own, "held up"); };
        co_await both(ctx, forgets, works);
    };
    asio::io_context io(1);
    auto in = w.open(io);
    in->time = &time;
    std::shared_ptr<run> r;
    bool finished = false;
    auto all = [&]() -> awaitable<void> {
        run_record record;
        record.program = "test";
        r = (co_await run::begin(in, record, told)).value();
        r->beside().spawn(watch_strands(*r));
        {
            context ctx(*r, "0");
            co_await body(ctx);
        }
        r->beside().cancel();
        co_await r->beside().join();
        (co_await r->end()).value();
    };
    io.restart();
    asio::co_spawn(io, all(), [&](std::exception_ptr failed) {
        EXPECT_FALSE(failed);
        finished = true;
    });
    while (!r || !r->past().is_held_up())
        ASSERT_GT(io.run_one_for(test::hang_limit), 0u);
    io.poll();
    time.advance(4999ms);
    io.poll();
    EXPECT_THAT(told.all, testing::IsEmpty());
    time.advance(1ms);
    io.poll();
    ASSERT_THAT(told.all, testing::ElementsAre(testing::HasSubstr("at 0.0.0 has been busy for 5 s")));
    EXPECT_THAT(told.all[0], testing::HasSubstr("context::external"));
    time.advance(1h);
    io.poll();
    EXPECT_EQ(told.all.size(), 1u) << "once is enough";
    rings.ring();
    while (!finished)
        ASSERT_GT(io.run_one_for(test::hang_limit), 0u);
    EXPECT_EQ(stage::present().carried_out["held up"], 1);
}

TEST_F(External, OfAStrandThatSaysSoNothingIsTold)
{
    manual_clock time;
    notes told;
    bell rings;
    asio::io_context io(1);
    auto in = w.open(io);
    in->time = &time;
    bool finished = false, delivered = false;
    auto all = [&]() -> awaitable<void> {
        run_record record;
        record.program = "test";
        const auto r = (co_await run::begin(in, record, told)).value();
        r->beside().spawn(watch_strands(*r));
        {
            context ctx(*r, "0");
            auto says_so = [&](context& own) -> awaitable<int> {
                co_await own.external(rings.wait());
                co_return 1;
            };
            auto works = [&](context& own) -> awaitable<int> {
                co_await say_it(own, "delivered");
                delivered = true;
                co_return 1;
            };
            co_await both(ctx, says_so, works);
        }
        r->beside().cancel();
        co_await r->beside().join();
        (co_await r->end()).value();
    };
    io.restart();
    asio::co_spawn(io, all(), [&](std::exception_ptr) { finished = true; });
    while (!delivered)
        ASSERT_GT(io.run_one_for(test::hang_limit), 0u);
    for (int i = 0; i < 3; ++i) {
        io.poll();
        time.advance(1h);
    }
    io.poll();
    EXPECT_THAT(told.all, testing::IsEmpty());
    rings.ring();
    while (!finished)
        ASSERT_GT(io.run_one_for(test::hang_limit), 0u);
}

} // namespace
} // namespace graftline::effects
