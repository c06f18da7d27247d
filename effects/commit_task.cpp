#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/commit_changes.hpp"
#include "graftline/effects/operations.hpp"
#include "graftline/runtime/shielded.hpp"

namespace graftline::effects {

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
        const auto done = co_await ctx.try_perform(commit_changes{found->id, message, type, scope});
        co_await asio::this_coro::throw_if_cancelled(false); // what was done is recorded, cancelled or not
        if (mine) co_await shielded(r.release(found->id));
        const auto& change = done.value();
        if (change.tip != found->commit) made = change.tip;
        if (change.tip.empty()) co_return;
        co_await shielded(r.change(found->id, [](task& now) {
            if (now.state != task_state::failed && now.state != task_state::cancelled) return;
            now.state = task_state::completed;
            now.reason = "finished by hand";
        }));
    };
    auto report = co_await as_run(in, {found->id}, options, watcher, button, body);
    if (!report) co_return report.error();
    co_return made;
}

} // namespace graftline::effects
