/// The branch and the folder of a task, from the templates that it was made with.
#pragma once

#include "graftline/effects/store/project.hpp"

namespace graftline::effects {

struct task_names {
    std::string branch;
    std::filesystem::path worktree; ///< absolute
};

/// `suffix` above zero is appended to both: the names without it were taken.
/// Errors: invalid, for a template with an unknown name or a branch name that git does not take.
result<task_names> name_task(project& in, const task& t, int suffix);

/// The reason under which worktrees of ours are locked: it says whose they are.
std::string lock_reason(const std::string& task);

} // namespace graftline::effects
