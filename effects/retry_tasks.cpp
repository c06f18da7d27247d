#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/operations.hpp"

namespace graftline::effects {

awaitable<result<run_report>> retry_tasks(std::shared_ptr<project> in, std::vector<std::string> ids,
                                          run_options options, observer& watcher, stop_button& button)
{
    options.program = "retry";
    auto found = co_await in->stored([&](store& s) {
        for (auto& id : ids)
            id = s.resolve(id).id;
    });
    if (!found) co_return found.error();
    auto ready = [](task& now) {
        check_operation(now.id, now.state, operation::retry).value();
        if (now.spec.command.empty() && now.spec.agent.empty() && now.spec.stages.empty())
            throw fault_error(fault(errc::refused, "the task was made by hand, without an agent")
                                  .with("task", now.id)
                                  .advise("Work in its worktree, then commit and land it."));
        now.state = task_state::pending;
        now.cancel_asked = false;
        now.rejected = false;
        now.conflicts.clear();
    };
    co_return co_await carry_out(std::move(in), std::move(ids), std::move(options), watcher, button, ready);
}

} // namespace graftline::effects
