/// Discarding that was cut short.
#pragma once

#include "graftline/effects/store/project.hpp"

#include <vector>

namespace graftline::effects {

/// Records as discarded those of `tasks` that a `discard`, or a forced `clean`, had removed when it was
/// killed: they have neither worktree nor branch any more. One of which something is left stays as it is, to
/// be discarded again. Cheap where there is none. Borrows both. Errors: those of the store and of reading a
/// ref.
awaitable<result<void>> finish_discards(project& in, const std::vector<task>& tasks);

} // namespace graftline::effects
