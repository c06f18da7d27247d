#include "graftline/effects/run_task.hpp"

#include "graftline/effects/commit_changes.hpp"
#include "graftline/effects/create_worktree.hpp"
#include "graftline/effects/remove_worktree.hpp"

namespace graftline::effects {
namespace {

awaitable<void> record_agent_failure(run& r, std::string id, agent_report report)
{
    co_await r.change(std::move(id), [&](task& now) {
        if (now.state == task_state::cancelled) return; // whoever cancelled it has recorded it
        now.state = report.ending == "cancelled" ? task_state::cancelled : task_state::failed;
        now.reason = report.how;
        now.finished_at = now_text();
    });
}

awaitable<agent_report> run_stages(context& ctx, const task& t)
{
    constexpr int most_returns = 3; // then a person must look: two agents would argue for ever
    agent_report last;
    std::string feedback;
    int returns = 0;
    for (std::size_t i = 0; i < t.spec.stages.size();) {
        const auto& stage = t.spec.stages[i];
        last = co_await ctx.perform(run_agent{t.id, stage.name, stage.agent, feedback});
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
    co_return co_await ctx.perform(run_agent{t.id, {}, {}, {}});
}

} // namespace

awaitable<void> run_task(context& ctx, std::string id, semaphore::lease place)
{
    auto& r = ctx.in();
    co_await ctx.perform(create_worktree{id});
    const auto t = co_await r.find(id);
    const auto report = co_await let_agent_work(ctx, t);
    place.release(); // the next agent starts while this one's work is committed and landed
    if (!report.done) {
        co_await record_agent_failure(r, id, report);
        co_return;
    }
    const auto& settings = r.in().settings().commit;
    const auto made = co_await ctx.perform(
        commit_changes{id, {}, settings.type.value_or("feat"), settings.scope.value_or("")});
    co_await r.change(id, [&](task& now) {
        now.state = now.cancel_asked ? task_state::cancelled : task_state::completed;
        now.reason = now.cancel_asked ? "cancelled" : made.tip.empty() ? "no changes" : "";
        now.finished_at = now_text();
    });
    if (!t.spec.land || (co_await r.find(id)).state != task_state::completed) co_return;
    bool done_with = made.tip.empty();
    if (!done_with) {
        const auto landed = co_await ctx.perform(land{id, t.spec.target, *t.spec.land, t.spec.gates});
        done_with = landed.is_done();
    }
    if (done_with && !t.spec.keep_worktree) co_await ctx.perform(remove_worktree{id});
}

awaitable<void> record_failure(run& r, std::string id, fault why)
{
    co_await r.change(std::move(id), [&](task& now) {
        if (now.owner != r.id()) return;
        // A merged task whose worktree could not be removed is still merged: only the reason says so.
        if (may_become(now.state, task_state::failed) && now.state != task_state::completed)
            now.state = task_state::failed;
        now.reason = why.message();
        now.finished_at = now_text();
    });
}

} // namespace graftline::effects
