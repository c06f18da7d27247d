// A cancellation that comes while an effect is carried out is observed when it has ended, whatever the
// effect, and however much of it must not be interrupted. What is done by then is done wholly, and recorded.
#include "graftline/effects/agent/back_off.hpp"
#include "graftline/effects/agent/poll.hpp"
#include "graftline/effects/agent/run_agent.hpp"
#include "graftline/effects/agent/settle_task.hpp"
#include "graftline/effects/landing/land.hpp"
#include "graftline/effects/worktree/commit_changes.hpp"
#include "graftline/effects/worktree/create_worktree.hpp"
#include "graftline/effects/worktree/remove_worktree.hpp"
#include "graftline/effects/worktree/start_over.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include "tests/effects/effects_on_record.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

/// How one strand ended that was cancelled at some moment.
struct strand_end {
    bool over = false;
    bool observed = false; ///< it threw, or its state tells
};

awaitable<void> carry_out_alone(strand_end& end, awaitable<void> effect)
{
    try {
        co_await std::move(effect);
    } catch (...) {
        end.observed = true;
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    end.observed |= state.cancelled() != asio::cancellation_type::none;
    end.over = true;
}

class ObservedCancellation : public testing::Test {
protected:
    ObservedCancellation()
    {
        w.repo.commit_file("shared.txt", "one\n");
        w.defaults.command = {"sh", "-c", "echo more >more.txt"};
        in = w.open(io);
        begun = test::run_here(io, begin());
    }
    ~ObservedCancellation() override { test::run_here(io, begun->beside().join()); }

    awaitable<std::shared_ptr<run>> begin()
    {
        run_record record;
        record.program = "test";
        co_return (co_await run::begin(in, record, nobody)).value();
    }

    run& r() { return *begun; }
    task now(const std::string& id) { return test::run_here(io, r().find(id)); }
    template <class T> T here(awaitable<T> job) { return test::run_here(io, std::move(job)); }

    /// A new task of this run, in its worktree, with something to commit.
    awaitable<std::string> with_work()
    {
        auto t = (co_await make_tasks(in, {{"work", {}, {}}}, w.defaults)).value().at(0);
        t.owner = t.run = r().id();
        t.state = task_state::running;
        co_await in->must_store([&](store& s) { s.add(t); });
        (co_await create_worktree{t.id}.carry_out(r())).value();
        t = co_await r().find(t.id);
        test::write_file(fs::path(t.worktree) / (t.id + ".txt"), "work\n");
        co_return t.id;
    }
    awaitable<std::string> with_commit()
    {
        const auto id = co_await with_work();
        (co_await commit_changes{id, {}, "feat", {}}.carry_out(r())).value();
        (co_await settle_task{id, true, {}, {}}.carry_out(r())).value();
        co_return id;
    }

    /// Carries `effect_for(prepared)` out again and again, cancelled after 0, 1, 2, ... handlers of the loop
    /// and `stride` more each time, until it ends before that. `check(prepared)`: what must hold then.
    template <class Prepare, class Make, class Check>
    void sweep(std::size_t stride, Prepare prepare, Make effect_for, Check check)
    {
        std::size_t missed = 0, moments = 0;
        for (std::size_t step = 0; step < 10'000; step += stride) {
            const auto prepared = here(prepare());
            const auto effect = effect_for(prepared);
            strand_end end;
            asio::cancellation_signal stop;
            bool finished = false;
            io.restart();
            asio::co_spawn(
                io, carry_out_alone(end, carried_out(effect)),
                asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) { finished = true; }));
            for (std::size_t n = 0; n < step && !end.over; ++n)
                ASSERT_GT(io.run_one_for(test::hang_limit), 0u);
            io.restart(); // it has stopped where the strand is over
            std::optional<bool> undisturbed;
            asio::post(io, [&] { // from within the loop, as a cancellation comes
                undisturbed = end.over;
                stop.emit(asio::cancellation_type::terminal);
            });
            while (!undisturbed)
                ASSERT_GT(io.run_one_for(test::hang_limit), 0u);
            while (!finished)
                ASSERT_GT(io.run_one_for(test::hang_limit), 0u)
                    << "did not end when cancelled after " << step;
            if (!*undisturbed) {
                ++moments;
                missed += !end.observed;
            }
            here(check(prepared));
            if (HasFailure()) FAIL() << effect.kind << " cancelled after " << step << " handlers";
            if (*undisturbed) break;
        }
        EXPECT_EQ(missed, 0u) << "of " << moments << " moments of " << effect_for("").kind;
        EXPECT_GT(moments, 0u);
    }
    template <class E> awaitable<void> carried_out(const E& effect)
    {
        if constexpr (placed_effect<E>)
            (co_await effect.carry_out(r(), {"0.0", 1, std::chrono::system_clock::time_point()})).value();
        else
            (co_await effect.carry_out(r())).value();
    }

    void sweep_all(std::size_t fine, std::size_t coarse);

    test::workshop w;
    asio::io_context io{1};
    observer nobody;
    std::shared_ptr<project> in;
    std::shared_ptr<run> begun;
};

void ObservedCancellation::sweep_all(std::size_t fine, std::size_t coarse)
{
    using id_t = const std::string&;
    const auto work = [this] { return with_work(); };
    const auto commit = [this] { return with_commit(); };
    const auto nothing = [](id_t) -> awaitable<void> { co_return; };
    sweep(fine, work, [](id_t id) { return settle_task{id, true, {}, {}}; }, nothing);

    auto committed_or_not = [this](id_t id) -> awaitable<void> {
        const auto t = co_await r().find(id);
        const auto tip = w.repo.git("rev-parse", t.branch);
        EXPECT_EQ(t.commit, tip == t.base ? "" : tip);
        EXPECT_EQ(test::try_git(t.worktree, {"status", "--porcelain"}).out.empty(), tip != t.base);
    };
    sweep(coarse, work, [](id_t id) { return commit_changes{id, {}, "feat", {}}; }, committed_or_not);

    auto there_or_gone = [this](id_t id) -> awaitable<void> {
        const auto t = co_await r().find(id);
        EXPECT_EQ(t.worktree.empty(), !w.has("refs/heads/" + t.branch));
        if (t.worktree.empty()) {
            EXPECT_FALSE(t.rescues.empty()) << "what lay there is lost";
        } else {
            EXPECT_TRUE(fs::exists(fs::path(t.worktree) / (id + ".txt")));
        }
    };
    sweep(coarse, work, [](id_t id) { return remove_worktree{id}; }, there_or_gone);

    auto conflicted = [this]() -> awaitable<std::string> {
        const auto id = co_await with_commit();
        co_await r().change(id, [](task& t) { t.state = task_state::conflicted; });
        co_return id;
    };
    auto begun_or_not = [this](id_t id) -> awaitable<void> {
        const auto t = co_await r().find(id);
        EXPECT_EQ(t.state, t.worktree.empty() ? task_state::running : task_state::conflicted);
    };
    sweep(coarse, conflicted, [](id_t id) { return start_over{id}; }, begun_or_not);

    auto without_worktree = [this]() -> awaitable<std::string> {
        const auto id = co_await with_work();
        (co_await remove_worktree{id}.carry_out(r())).value();
        co_return id;
    };
    auto made_or_not = [this](id_t id) -> awaitable<void> {
        const auto t = co_await r().find(id);
        EXPECT_EQ(t.worktree_ready, !t.worktree.empty());
        EXPECT_EQ(t.worktree_ready, !t.branch.empty() && w.has("refs/heads/" + t.branch));
    };
    sweep(coarse, without_worktree, [](id_t id) { return create_worktree{id}; }, made_or_not);

    auto none_runs = [](id_t id) -> awaitable<void> {
        EXPECT_EQ(test::running_with(id), 0u);
        co_return;
    };
    sweep(fine, work, [](id_t id) { return run_agent{id, {}, {}, {}}; }, none_runs);

    auto landed_or_not = [this](id_t id) -> awaitable<void> {
        const auto t = co_await r().find(id);
        const bool has_it = test::try_git(w.repo.top(), {"cat-file", "-e", "main:" + id + ".txt"}).ok;
        EXPECT_EQ(t.state, has_it ? task_state::merged : task_state::completed);
        EXPECT_TRUE((co_await in->must_store([](store& s) { return s.intents(); })).empty());
    };
    using commands = std::vector<std::vector<std::string>>;
    for (const auto& gates : {commands(), commands{{"sh", "-c", "true"}}}) {
        auto landing_of = [&](id_t id) {
            return land{id, {"main", {}}, land_mode::merge, gates, false, true};
        };
        sweep(coarse, commit, landing_of, landed_or_not);
    }

    auto landed = [this]() -> awaitable<std::string> {
        const auto id = co_await with_commit();
        const land put{id, {"main", {}}, land_mode::merge, {}, false, false};
        (co_await put.carry_out(r())).value();
        co_return id;
    };
    auto undone_or_not = [this](id_t id) -> awaitable<void> {
        const auto t = co_await r().find(id);
        const bool has_it = test::try_git(w.repo.top(), {"cat-file", "-e", "main:" + id + ".txt"}).ok;
        EXPECT_EQ(t.state, has_it ? task_state::merged : task_state::completed);
    };
    sweep(coarse, landed, [](id_t id) { return undo{id, {}}; }, undone_or_not);

    auto bring = [this](id_t id) {
        const auto t = id.empty() ? task() : here(r().find(id));
        return bring_change{id, {t.base, t.commit}};
    };
    sweep(coarse, commit, bring, nothing);
    if (fine > 1) return; // what follows changes nothing that lasts, and ends within a few handlers
    sweep(fine, work, [](id_t id) { return check_markers{id, {id + ".txt"}}; }, nothing);
    sweep(fine, work, [](id_t) { return poll{{"true"}, 1000, 1000}; }, nothing);
    sweep(fine, work, [](id_t id) { return back_off{id, 1, "tired"}; }, nothing);
}

TEST_F(ObservedCancellation, OfEveryEffect)
{
    sweep_all(2, 11);
}

TEST_F(ObservedCancellation, SoakOfEveryEffectAtEveryMoment)
{
    sweep_all(1, 1);
}

/// An effect that tells whether it began although its strand had lost.
struct go_on {
    static constexpr std::string_view kind = "go_on";
    static inline bool is_lost = false;
    static inline int begun_in_vain = 0;
    using outcome = test::said_back;
    std::string name;

    awaitable<result<test::said_back>> carry_out(run&) const
    {
        if (is_lost) ++begun_in_vain;
        co_return test::said_back{name};
    }
};
BOOST_DESCRIBE_STRUCT(go_on, (), (name))

/// One strand commits and goes on, the other wins after so many handlers of the loop. False: it was too late.
bool race_against_a_commit(test::workshop& w, const task& t, std::size_t after)
{
    test::stage::present() = test::stage();
    go_on::is_lost = false;
    go_on::begun_in_vain = 0;
    bool committed = false;
    fan_out::child<int> commits = [&](context& own) -> awaitable<int> {
        co_await own.perform(commit_changes{t.id, {}, "feat", {}});
        committed = true;
        co_await own.perform(go_on{"next"});
        test::say waits{"for ever", true, false, {}};
        co_await own.perform(waits);
        co_return 1;
    };
    fan_out::child<int> wins = [](context& own) -> awaitable<int> {
        test::say winner{"winner", true, false, {}};
        co_await own.perform(winner);
        go_on::is_lost = true;
        co_return 2;
    };
    test::program body = [&](context& ctx) -> awaitable<void> {
        std::vector<fan_out::child<int>> runners{commits, wins};
        EXPECT_EQ((co_await ctx.parallel.race(std::move(runners))).first, 1u);
    };
    test::write_file(fs::path(t.worktree) / "more.txt", std::to_string(after));
    asio::io_context io(1);
    auto in = w.open(io);
    bool finished = false;
    asio::co_spawn(io, test::carry_out_program(in, {}, body, test::ends::orderly),
                   [&](std::exception_ptr, std::string) { finished = true; });
    io.restart();
    const auto step = [&] { return io.run_one_for(test::hang_limit) > 0; };
    while (!test::stage::present().bells.contains("winner") && step()) {
    }
    for (std::size_t n = 0; n < after && !committed && step(); ++n) {
    }
    const bool in_time = !committed;
    test::stage::present().end("winner");
    while (!finished && step()) {
    }
    EXPECT_TRUE(finished) << "lost after " << after << " handlers";
    EXPECT_EQ(go_on::begun_in_vain, 0) << "lost after " << after << " handlers";
    return in_time;
}

void race_at_moments(std::size_t stride)
{
    test::workshop w;
    w.repo.commit_file("shared.txt", "one\n");
    const auto t = w.run({"Add login"}, "echo work > work.txt").tasks[0];
    std::size_t moments = 0;
    while (race_against_a_commit(w, t, moments * stride) && !testing::Test::HasFailure())
        ++moments;
    EXPECT_GT(moments, 1u);
}

TEST(LostRace, ALoserThatCommitsBeginsNoNextEffect)
{
    race_at_moments(5);
}

TEST(LostRace, SoakALoserThatCommitsBeginsNoNextEffectAtEveryMoment)
{
    race_at_moments(1);
}

} // namespace
} // namespace graftline::effects
