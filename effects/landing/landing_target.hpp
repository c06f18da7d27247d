/// The branch that a task lands on.
#pragma once

#include "graftline/effects/run/run.hpp"

#include <boost/describe.hpp>

namespace graftline::effects {

/// A branch to land on.
struct landing_target {
    std::string branch;
    std::string begins_at; ///< the branch at whose tip it is made when it is not there yet; empty: it must be
};

BOOST_DESCRIBE_STRUCT(landing_target, (), (branch, begins_at))

/// The task's target; or the branch that lands instead of it (`into`), made at the target's tip. Throws
/// fault_error: invalid when there is no branch to land on.
landing_target landing_target_of(const std::string& task, const task_spec& spec);

/// The spec as the run's program had it when the task at `path` began. The first revision of the programs
/// wrote into it where the task was tried to land; what it asked for then is on record.
task_spec as_begun(run& r, const std::string& path, task_spec spec);

/// Makes the branch if it is not there. Errors: what git said. Lifetime: borrows `r`.
awaitable<result<void>> make_target(run& r, landing_target target);

/// What a task starts from when nothing else is said: the branch that it will land on, as far as that is
/// there. A full ref, or HEAD.
awaitable<result<std::string>> landing_tip(run& r, task t);

} // namespace graftline::effects
