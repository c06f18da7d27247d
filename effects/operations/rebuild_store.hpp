/// What can be known of tasks without the database: from refs, trailers, worktrees, rescues and logs.
#pragma once

#include "graftline/effects/store/project.hpp"

namespace graftline::effects {

/// Sets a damaged database, or what is left of one that is gone, aside and begins a new one with every row of
/// it that is whole, and with those other tasks that the repository still tells of. Of these, a task whose
/// landing commit is in its target's history is merged; one that a copy of the state (views.hpp) calls
/// discarded is; one whose agent still has its supervisor is running; one with commits whose agent had done
/// its work is completed; every other is failed, with the reason that the database was damaged: its worktree
/// and branch are as they were. Nothing in the repository is changed. Result: nothing when the database is
/// not damaged. Errors: busy when a run goes on in another process; what git and the system said. For the
/// start of a command, before anything is recorded. Cancellation: terminal, before anything is set aside.
awaitable<result<std::optional<store::replacement>>> rebuild_store(std::shared_ptr<project> in);

} // namespace graftline::effects
