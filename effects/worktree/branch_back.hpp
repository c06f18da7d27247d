/// A task's branch that somebody has deleted.
#pragma once

#include "graftline/effects/run/run.hpp"

namespace graftline::effects {

/// Brings the branch back when the task's worktree is on it and it is gone: a commit there would have no
/// parent, and could never land. To the newest commit of the worktree's reflog that contains the base, else
/// to the recorded tip, else to the base; says so to the run's watcher. Errors: git's.
awaitable<result<void>> bring_branch_back(run& r, const task& t);

} // namespace graftline::effects
