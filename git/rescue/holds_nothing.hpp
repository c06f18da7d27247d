/// The quick answer for most worktrees that are to go: everything in them is on refs that stay.
#pragma once

#include "graftline/git/refs/unreached.hpp"

namespace graftline::git {

class repository;

/// True when a worktree of ours holds nothing that goes with it: no file differs from its branch's tip, and
/// that tip reaches every commit that its git folder remembers. False: that is so, or has to be looked at
/// with more care, as `rescue` does: on anything out of the ordinary, such as flags that hide edits,
/// submodules, commits that were amended, or something half done. Starts one git. Ignored files are not
/// looked at. Cancellation: terminal. Lifetime: borrows `repo`.
awaitable<bool> holds_nothing(repository& repo, workplace place);

} // namespace graftline::git
