/// A branch goes, where it is not in use.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <string>

namespace graftline::git {

class repository;

/// Deletes the branch `branch` (short name) if it is still at `seen_tip` and is not the HEAD of any worktree,
/// not under a rebase and not under a bisect. The caller has proved that its commits are landed or rescued.
/// Takes the repository's lock: the caller must not hold it. Result: true when it is gone (also when it was
/// before), false when it is in use or has moved, and so stays.
awaitable<result<bool>> delete_branch(repository& repo, std::string branch, oid seen_tip);

} // namespace graftline::git
