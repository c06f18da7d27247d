#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/worktree/commit_changes.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/base/outcome.hpp"

namespace graftline::effects {
namespace {

/// A commit of what the branch holds would pass for one of what lies in the worktree.
result<void> check_folder_is_there(project& in, const task& t)
{
    const auto now = located(in.repository(), t);
    if (!now) return now.error();
    const auto there = is_worktree_there(*now);
    if (!there) return there.error();
    if (*there) return {};
    return fault(errc::refused, "the task's worktree is not there: what lies in it cannot be committed")
        .with("task", t.id)
        .with("worktree", now->worktree)
        .advise("Bring the folder back there, or mount its disk. If it is lost: graftline diff " + t.id +
                " shows what its branch holds, graftline retry " + t.id + " begins anew, graftline discard " +
                t.id + " gives it up.");
}

} // namespace

awaitable<result<std::optional<std::string>>> commit_task(std::shared_ptr<project> in, std::string id,
                                                          std::string message, std::string type,
                                                          std::string scope, observer& watcher)
{
    const auto found = co_await in->stored([&](store& s) {
        auto t = s.resolve(id);
        check_operation(t.id, t.state, operation::commit).value();
        return t;
    });
    if (!found) co_return found.error();
    if (!found->worktree_ready)
        co_return fault(errc::refused, "the task has no worktree to commit from").with("task", found->id);

    if (auto there = check_folder_is_there(*in, *found); !there) co_return there.error();

    std::optional<std::string> made;
    stop_button button;
    run_options options;
    options.program = "commit";
    auto body = [&](run& r) -> awaitable<void> {
        // A running task belongs to its run; git's own locks are enough for a commit beside its agent.
        const bool mine = found->state != task_state::running;
        if (mine)
            co_await r.take(found->id,
                            [](task& now) { check_operation(now.id, now.state, operation::commit).value(); });
        context ctx(r, "0");
        const auto done =
            co_await parallel::settle(ctx.try_perform(commit_changes{found->id, message, type, scope}));
        co_await asio::this_coro::throw_if_cancelled(false); // what was done is recorded, cancelled or not
        if (mine) co_await shielded(r.release(found->id));
        const auto& change = done.value().value();
        if (change.tip != found->commit) made = change.tip;
        if (!change.doubt.empty()) r.watcher().note("Look at " + found->id + " again: " + change.doubt);
        if (change.tip.empty()) co_return;
        co_await shielded(r.change(found->id, [](task& now) {
            if (now.state != task_state::failed && now.state != task_state::cancelled) return;
            now.state = task_state::completed;
            now.reason = "finished by hand";
        }));
    };
    auto report = co_await as_run(in, {found->id}, options, watcher, button, body);
    if (!report) co_return report.error();
    if (report->interrupted && !made)
        co_return fault(errc::interrupted, "the commit was interrupted; all lies in the worktree as before")
            .with("task", found->id)
            .with("worktree", found->worktree);
    co_return made;
}

} // namespace graftline::effects
