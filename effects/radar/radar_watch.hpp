/// The radar beside a run.
#pragma once

#include "graftline/effects/run/run.hpp"

namespace graftline::effects {

/// Looks for overlaps of live tasks while a run goes on, until it is cancelled: at each change in a
/// worktree's records or of a branch, after a second's rest, and every few seconds while agents run, which
/// edit without a sign. It takes a tenth of the time at the most, with one thing at a time on the pool. Tells
/// the run's observer once when an overlap of one of its tasks is new and once when it is gone, and records
/// the present ones (overlap_record.hpp). Never fails: what it cannot see, it does not tell. Lifetime:
/// borrows the run.
awaitable<void> watch_for_overlaps(run& r);

} // namespace graftline::effects
