#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/operations.hpp"

namespace graftline::effects {

awaitable<result<run_report>> retry_tasks(std::shared_ptr<project> in, std::vector<std::string> ids,
                                          run_options options, observer& watcher, stop_button& button)
{
    options.program = "retry";
    auto readied = co_await in->stored([&](store& s) {
        for (const auto& id : ids) {
            const auto t = s.resolve(id);
            check_operation(t.id, t.state, operation::retry).value();
            if (t.spec.command.empty() && t.spec.agent.empty() && t.spec.stages.empty())
                throw fault_error(fault(errc::refused, "the task was made by hand, without an agent")
                                      .with("task", t.id)
                                      .advise("Work in its worktree, then commit and land it."));
        }
        for (const auto& id : ids)
            s.change(id, [](task& now) {
                now.state = task_state::pending;
                now.cancel_asked = false;
                now.rejected = false;
                now.conflicts.clear();
            });
    });
    if (!readied) co_return readied.error();
    co_return co_await carry_out(std::move(in), std::move(ids), std::move(options), watcher, button);
}

} // namespace graftline::effects
