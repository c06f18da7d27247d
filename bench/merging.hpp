/// What a clean merge costs.
#pragma once

#include "graftline/bench/table.hpp"

namespace graftline::bench {

/// Clean merges of branches that changed three files each, in repositories of 1,000, 10,000 and 100,000
/// files: the walk alone, and merging commits as a whole, beside a `git merge-tree` process. Medians; no two
/// merges are of the same commits.
awaitable<std::vector<row>> merging();

} // namespace graftline::bench
