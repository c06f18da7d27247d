/// The commit that a task starts from.
#pragma once

#include "graftline/effects/run/run.hpp"
#include "graftline/git/repository/oid.hpp"

namespace graftline::effects {

/// The task's base revision, else its target's tip, else HEAD; with the work of the tasks that it comes after
/// merged in, as far as it is not there yet. Errors: not_found for a revision that does not exist; refused
/// when the work of those tasks conflicts.
awaitable<result<git::oid>> task_base(run& r, task t);

} // namespace graftline::effects
