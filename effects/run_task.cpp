#include "graftline/effects/run_task.hpp"

#include "graftline/effects/back_off.hpp"
#include "graftline/effects/commit_changes.hpp"
#include "graftline/effects/create_worktree.hpp"
#include "graftline/effects/landing_target.hpp"
#include "graftline/effects/remove_worktree.hpp"
#include "graftline/effects/settle_task.hpp"
#include "graftline/effects/start_over.hpp"

namespace graftline::effects {
namespace {

awaitable<void> record_agent_failure(context& ctx, const std::string& id, const agent_report& report)
{
    co_await ctx.perform(settle_task{id, false, report.how, report.ending});
}

/// One that was turned away for now is asked again, as often as the settings allow.
awaitable<agent_report> ask_agent(context& ctx, run_agent asked)
{
    const auto most = static_cast<int>(ctx.in().in().settings().run.attempts.value_or(3));
    for (int made = 1;; ++made) {
        auto report = co_await ctx.perform(asked);
        if (!report.may_pass || made >= most) co_return report;
        const auto waited = co_await ctx.perform(back_off{asked.task, made, report.how});
        if (!waited.cancelled) continue;
        report.how = report.ending = "cancelled";
        co_return report;
    }
}

awaitable<agent_report> run_stages(context& ctx, const task& t)
{
    constexpr int most_returns = 3; // then a person must look: two agents would argue for ever
    agent_report last;
    std::string feedback;
    int returns = 0;
    for (std::size_t i = 0; i < t.spec.stages.size();) {
        const auto& stage = t.spec.stages[i];
        last = co_await ask_agent(ctx, {t.id, stage.name, stage.agent, feedback});
        const bool go_back =
            last.decision == "request_changes" && last.ending == "exited" && last.exit_code == 0;
        if (last.done) {
            feedback = last.summary;
            ++i;
        } else if (go_back && i > 0 && returns < most_returns) {
            ++returns;
            feedback = last.summary;
            --i;
        } else {
            last.how = "stage " + stage.name + ": " + last.how;
            break;
        }
    }
    co_return last;
}

awaitable<agent_report> let_agent_work(context& ctx, const task& t)
{
    if (!t.spec.stages.empty()) co_return co_await run_stages(ctx, t);
    co_return co_await ask_agent(ctx, {t.id, {}, {}, {}});
}

struct committed_work {
    change made;
    bool completed = false; ///< false: cancelled meanwhile
};

awaitable<committed_work> commit_work(context& ctx, const std::string& id)
{
    const auto& settings = ctx.in().in().settings().commit;
    committed_work work;
    work.made = co_await ctx.perform(
        commit_changes{id, {}, settings.type.value_or("feat"), settings.scope.value_or("")});
    const std::string reason = work.made.tip.empty() ? "no changes"
                               : work.made.worktree_gone
                                   ? "its worktree is gone: what was not committed there is not on its branch"
                                   : "";
    work.completed = (co_await ctx.perform(settle_task{id, true, reason, {}})).is_completed();
    co_return work;
}

/// Gives a conflict to an agent, in a fresh worktree on the target as it is now. False: it did not get to
/// work that could land.
awaitable<bool> resolve(context& ctx, const task& t, const landing& conflict, semaphore& places)
{
    const auto place = co_await ctx.in().at_rest(places.acquire(t.spec.priority));
    const auto had = co_await ctx.perform(start_over{t.id});
    co_await ctx.perform(create_worktree{t.id});
    const auto brought = co_await ctx.perform(bring_change{t.id, had});
    const auto resolver = ctx.in().in().settings().landing.resolver.value_or("");
    const auto report =
        co_await ask_agent(ctx, {t.id, {}, resolver, feedback_on(conflict, brought, t.spec.target)});
    if (!report.done) {
        co_await record_agent_failure(ctx, t.id, report);
        co_return false;
    }
    co_await ctx.perform(check_markers{t.id, brought.conflicts});
    const auto work = co_await commit_work(ctx, t.id);
    co_return !work.made.tip.empty() && work.completed && !work.made.worktree_gone;
}

/// Lands what the task made; a conflict goes to an agent as often as is allowed. True: it is done with.
awaitable<bool> land_work(context& ctx, const task& t, semaphore& places)
{
    const auto& settings = ctx.in().in().settings().landing;
    const auto most = t.spec.on_conflict == conflict_policy::retry ? settings.resolutions.value_or(2) : 0;
    for (std::size_t resolutions = 0;; ++resolutions) {
        const auto landed =
            co_await ctx.perform(land{t.id, landing_target_of(t), *t.spec.land, t.spec.gates});
        if (landed.is != verdict::conflicted || resolutions == most) co_return landed.is_done();
        if (!co_await resolve(ctx, t, landed, places)) co_return false;
    }
}

} // namespace

awaitable<void> run_task(context& ctx, std::string id, semaphore& places, semaphore::lease place)
{
    auto& r = ctx.in();
    co_await ctx.perform(create_worktree{id});
    const auto t = co_await r.find(id);
    const auto report = co_await let_agent_work(ctx, t);
    place.release(); // the next agent starts while this one's work is committed and landed
    if (!report.done) {
        co_await record_agent_failure(ctx, id, report);
        co_return;
    }
    const auto work = co_await commit_work(ctx, id);
    if (!t.spec.land || !work.completed) co_return;
    if (work.made.worktree_gone) co_return; // whether that is all of it, a person must say
    const bool done_with = work.made.tip.empty() || co_await land_work(ctx, t, places);
    if (done_with && !t.spec.keep_worktree) co_await ctx.perform(remove_worktree{id});
}

awaitable<void> record_failure(run& r, std::string id, fault why)
{
    co_await r.change(std::move(id), [&](task& now) {
        if (now.owner != r.id()) return;
        // A merged task whose worktree could not be removed is still merged: only the reason says so.
        const auto ended = now.cancel_asked ? task_state::cancelled : task_state::failed;
        if (may_become(now.state, ended) && now.state != task_state::completed) now.state = ended;
        now.reason = why.message();
        now.finished_at = now_text();
    });
}

} // namespace graftline::effects
