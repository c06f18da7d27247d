/// Landings that somebody has taken off their target again.
#pragma once

#include "graftline/effects/run/run.hpp"

#include <string>

namespace graftline::effects {

/// Looks whether the target still has what a task of the run has landed: an agent, or a person, may have
/// moved it back since. Then the task is completed again, its branch is at what it had made, and that is
/// said. What cannot be looked at is taken for granted. Throws what the store throws.
awaitable<void> look_for_taken_landing(run& r, std::string id);

/// The same when somebody asks for a task to be landed that had landed, at any time later: it may be landed
/// again then, which is said. Result: the task as it is now. Errors: the store's.
awaitable<result<task>> look_for_landing_now(project& in, task t, observer& watcher);

} // namespace graftline::effects
