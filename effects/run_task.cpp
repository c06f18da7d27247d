#include "graftline/effects/run_task.hpp"

#include "graftline/effects/back_off.hpp"
#include "graftline/effects/commit_changes.hpp"
#include "graftline/effects/create_worktree.hpp"
#include "graftline/effects/landing_target.hpp"
#include "graftline/effects/remove_worktree.hpp"
#include "graftline/effects/settle_task.hpp"
#include "graftline/effects/start_over.hpp"

// What these bodies decide on is what they were given, outcomes of effects, and the settings, which are the
// run's: a run that is gone on with has them as it began.

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

awaitable<agent_report> run_stages(context& ctx, const std::string& id, const std::vector<stage>& stages)
{
    constexpr int most_returns = 3; // then a person must look: two agents would argue for ever
    agent_report last;
    std::string feedback;
    int returns = 0;
    for (std::size_t i = 0; i < stages.size();) {
        const auto& stage = stages[i];
        last = co_await ask_agent(ctx, {id, stage.name, stage.agent, feedback});
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

awaitable<agent_report> let_agent_work(context& ctx, const std::string& id, const task_spec& spec)
{
    if (!spec.stages.empty()) co_return co_await run_stages(ctx, id, spec.stages);
    co_return co_await ask_agent(ctx, {id, {}, {}, {}});
}

/// Whether that is all of it, and right, a person must say.
bool needs_a_look(const change& made)
{
    return made.worktree_gone || !made.doubt.empty();
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
    if (work.made.begins_again) co_return work;
    const std::string reason = work.made.tip.empty() ? "no changes"
                               : work.made.worktree_gone
                                   ? "its worktree is gone: what was not committed there is not on its branch"
                                   : work.made.doubt;
    work.completed = (co_await ctx.perform(settle_task{id, true, reason, {}})).is_completed();
    co_return work;
}

/// The branch that the agent is told its change does not fit on.
const std::string& named_target(const run& r, const task_spec& spec, const landing_target& target)
{
    return r.record().revision == 0 ? spec.target : target.branch;
}

/// Gives a conflict to an agent, in a fresh worktree on the target as it is now. False: it did not get to
/// work that could land.
awaitable<bool> resolve(context& ctx, const std::string& id, const task_spec& spec, const landing& conflict,
                        const std::string& target, semaphore& places)
{
    const auto place = co_await ctx.at_rest(places.acquire(spec.priority));
    const auto had = co_await ctx.perform(start_over{id});
    for (;;) {
        co_await ctx.perform(create_worktree{id});
        const auto brought = co_await ctx.perform(bring_change{id, had});
        const auto resolver = ctx.in().in().settings().landing.resolver.value_or("");
        const auto report =
            co_await ask_agent(ctx, {id, {}, resolver, feedback_on(conflict, brought, target)});
        if (report.begins_again) continue;
        if (!report.done) {
            co_await record_agent_failure(ctx, id, report);
            co_return false;
        }
        co_await ctx.perform(check_markers{id, brought.conflicts});
        const auto work = co_await commit_work(ctx, id);
        if (work.made.begins_again) continue;
        co_return !work.made.tip.empty() && work.completed && !needs_a_look(work.made);
    }
}

/// Lands what the task made; a conflict goes to an agent as often as is allowed. True: it is done with.
awaitable<bool> land_work(context& ctx, const std::string& id, const task_spec& spec, semaphore& places)
{
    const auto& settings = ctx.in().in().settings().landing;
    const auto most = spec.on_conflict == conflict_policy::retry ? settings.resolutions.value_or(2) : 0;
    const auto target = landing_target_of(id, spec);
    for (std::size_t resolutions = 0;; ++resolutions) {
        const auto landed = co_await ctx.perform(land{id, target, *spec.land, spec.gates});
        if (landed.is != verdict::conflicted || resolutions == most) co_return landed.is_done();
        const auto& named = named_target(ctx.in(), spec, target);
        if (!co_await resolve(ctx, id, spec, landed, named, places)) co_return false;
    }
}

} // namespace

awaitable<void> run_task(context& ctx, std::string id, task_spec spec, semaphore& places,
                         semaphore::lease place)
{
    committed_work work;
    for (;;) {
        co_await ctx.perform(create_worktree{id});
        const auto report = co_await let_agent_work(ctx, id, spec);
        if (report.begins_again) continue;
        place.release(); // the next agent starts while this one's work is committed and landed
        if (!report.done) {
            co_await record_agent_failure(ctx, id, report);
            co_return;
        }
        work = co_await commit_work(ctx, id);
        if (!work.made.begins_again) break;
        place = co_await ctx.at_rest(places.acquire(spec.priority));
    }
    if (!spec.land || !work.completed) co_return;
    if (needs_a_look(work.made)) co_return;
    const bool done_with = work.made.tip.empty() || co_await land_work(ctx, id, spec, places);
    if (done_with && !spec.keep_worktree) co_await ctx.perform(remove_worktree{id});
}

} // namespace graftline::effects
