/// Merging by `git merge-tree`: what it answers is the answer.
#pragma once

#include "graftline/git/merge/merge.hpp"

#include <optional>

namespace graftline::git {

/// As `merge_commits`, or with a base as `merge_on_base`. The objects that git makes are in the outcome's
/// folder. `more_objects`: object directories that git reads besides the repository's.
awaitable<result<merge_outcome>> merge_by_command(repository& repo, std::optional<oid> base, oid ours,
                                                  oid theirs,
                                                  std::vector<std::filesystem::path> more_objects = {});

} // namespace graftline::git
