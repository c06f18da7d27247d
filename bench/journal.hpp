/// What an effect costs.
#pragma once

#include "graftline/bench/table.hpp"

namespace graftline::bench {

/// Effects that do nothing, journalled, one after the other and many at once, at 100, 10,000 and 1,000,000;
/// beside the same records with a synced commit for each effect; their size, and what a resume takes.
awaitable<std::vector<row>> journal();

} // namespace graftline::bench
