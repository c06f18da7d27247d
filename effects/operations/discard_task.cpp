#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/worktree/remove_worktree.hpp"
#include "graftline/runtime/async/shielded.hpp"

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
    stop_button button;
    run_options options;
    options.program = "discard";
    auto body = [&](run& r) -> awaitable<void> {
        co_await r.take(found->id,
                        [](task& now) { check_operation(now.id, now.state, operation::discard).value(); });
        context ctx(r, "0");
        const auto removed = co_await ctx.try_perform(remove_worktree{found->id});
        auto record = [&](task& now) {
            now.owner.clear();
            if (!removed) return;
            now.state = task_state::discarded;
            now.finished_at = now_text();
        };
        co_await asio::this_coro::throw_if_cancelled(false); // what was done is recorded, cancelled or not
        co_await shielded(r.change(found->id, record));
        if (!removed) throw fault_error(removed.error());
    };
    auto report = co_await as_run(in, {found->id}, options, watcher, button, body);
    if (!report) co_return report.error();
    co_return std::move(report->tasks.front());
}

} // namespace graftline::effects
