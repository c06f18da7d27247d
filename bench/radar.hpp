/// Measures the radar: all pairs of many branches at once.
#pragma once

#include "graftline/bench/table.hpp"

namespace graftline::bench {

/// 32 branches on 5,000 files, every pair of them, beside `git merge-tree --stdin`.
awaitable<std::vector<row>> radar();

} // namespace graftline::bench
