/// What the end of a task's coroutine means for the task.
#pragma once

#include "graftline/effects/run/run.hpp"

#include <exception>
#include <optional>
#include <string>

namespace graftline::effects {

/// How a task's coroutine ended: by itself when there is neither.
struct task_end {
    std::optional<fault> failed;
    std::exception_ptr escaped; ///< it was stopped, or ran into a bug
};

/// Records what that means: failed of the fault or the bug; pending again, or cancelled, when it was stopped,
/// after its work is saved. A fault of the environment stops the run. Lets go of the task, unless it is to be
/// gone on with. Result: the task as it is then. Throws fault_error: the store's. Not to be cancelled.
awaitable<task> record_end(run& r, std::string id, task_end how);

} // namespace graftline::effects
