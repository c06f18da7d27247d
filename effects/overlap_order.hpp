/// An order for tasks that say they change the same files.
#pragma once

#include "graftline/effects/tasks/task.hpp"

#include <atomic>
#include <vector>

namespace graftline::effects {

/// Lets a task whose declared files overlap those of an earlier one come after it, unless the plan orders the
/// two already, directly or through others. Each comes after the nearest ones only: what those come after
/// stands before it anyway. Costs little more than one comparison for each two different globs, and a bit for
/// each two tasks. Blocks; `stop` ends it early, with some of the order missing.
void serialize_overlaps(std::vector<task>& tasks, const std::atomic<bool>& stop);

} // namespace graftline::effects
