/// 64 worktrees asked for at once, from two processes.
#pragma once

#include "graftline/bench/table.hpp"

namespace graftline::bench {

/// Rounds of 64 tasks whose agent does nothing, 32 from each of two graftline processes, beside rounds of 64
/// `git worktree add` at once. Counts what failed and what was left over.
awaitable<std::vector<row>> worktrees(int rounds);

} // namespace graftline::bench
