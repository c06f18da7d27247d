/// What graftline adds to the time that agents take.
#pragma once

#include "graftline/bench/table.hpp"

namespace graftline::bench {

/// Three agents of two seconds at once, and sixteen of half a second in four places, beside the ideal
/// schedule.
awaitable<std::vector<row>> overhead();

/// `graftline status` where 1,000 tasks are stored, beside `git status` there.
awaitable<std::vector<row>> status_of_many();

/// Removing what has landed, beside the same by hand.
awaitable<std::vector<row>> cleaning();

} // namespace graftline::bench
