/// What putting a change on a branch costs.
#pragma once

#include "graftline/bench/table.hpp"

namespace graftline::bench {

/// Clean landings per second on a branch that nobody has checked out, in repositories of 1,000, 10,000 and
/// 100,000 files, of branches that changed three files each: the merge alone, and the whole of merge, commit,
/// objects and ref, beside `git merge` in a checkout, `git merge-tree` + `commit-tree` + `update-ref`, and
/// libgit2's own merge. Nothing but the git floor: the journal is not in it.
awaitable<std::vector<row>> landing();

} // namespace graftline::bench
