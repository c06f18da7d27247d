/// Where a task's worktree is by now: people move worktrees, disks and whole repositories.
#pragma once

#include "graftline/effects/run/run.hpp"

namespace graftline::effects {

/// The task with its worktree's path as git has it on record now; links that moving the repository broke are
/// put right. As it was, where git has no record of it. Reads a few small files. Errors: the system's.
result<task> located(const git::repository& repo, task t);

/// The same, and the store learns of it.
awaitable<result<task>> follow_worktree(run& r, task t);

/// Is there something at the worktree's path, the task's or not? False: nothing is there, or the task has
/// none. Errors: the system's, when it cannot be told.
result<bool> is_worktree_there(const task& t);

/// Is the task being carried out without a worktree that is ready? The machine went down, and what lay in it
/// could not be vouched for: the work begins again.
bool was_set_aside(const task& t);

} // namespace graftline::effects
