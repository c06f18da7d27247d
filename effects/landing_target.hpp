/// The branch that a task lands on.
#pragma once

#include "graftline/effects/run.hpp"

namespace graftline::effects {

/// The task's target; or the branch that lands instead of it (`into`), which is made at the target's tip when
/// it is not there yet. Throws fault_error: invalid when there is no branch to land on, what git said.
awaitable<std::string> landing_target(run& r, task t);

/// What a task starts from when nothing else is said: the branch that it will land on, as far as that is
/// there. A full ref, or HEAD.
awaitable<result<std::string>> landing_tip(run& r, task t);

} // namespace graftline::effects
