/// What became of leftovers.
#pragma once

#include <string>

namespace graftline::effects {

/// One thing that `clean` removed, would remove, or leaves.
struct cleaned {
    std::string what; ///< "worktree /path", "branch task/x", "scratch …"
    std::string why;
    bool removed = false; ///< with dry_run: would be
};

} // namespace graftline::effects
