#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/operations.hpp"
#include "graftline/effects/remove_worktree.hpp"

namespace graftline::effects {

awaitable<result<task>> discard_task(std::shared_ptr<project> in, std::string id, bool force,
                                     observer& watcher)
{
    auto found = co_await in->stored([&](store& s) { return s.resolve(id); });
    if (!found) co_return found.error();
    if (force && found->state == task_state::running) {
        found = co_await cancel_task(in, found->id);
        if (!found) co_return found.error();
    }
    if (auto allowed = check_operation(found->id, found->state, operation::discard); !allowed)
        co_return allowed.error();

    stop_button button;
    run_options options;
    options.program = "discard";
    auto body = [&](run& r) -> awaitable<void> {
        context ctx(r, "0");
        co_await ctx.perform(remove_worktree{found->id});
        co_await r.change(found->id, [](task& now) {
            now.state = task_state::discarded;
            now.finished_at = now_text();
        });
    };
    auto report = co_await as_run(in, {found->id}, options, watcher, button, body);
    if (!report) co_return report.error();
    co_return std::move(report->tasks.front());
}

} // namespace graftline::effects
