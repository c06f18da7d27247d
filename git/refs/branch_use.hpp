/// Who uses a branch: git's own compare-and-swap moves or deletes it under their feet.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// One worktree that uses a branch.
struct branch_use {
    std::filesystem::path git_dir;   ///< the worktree's own
    std::filesystem::path work_tree; ///< its top, which may be away; empty when git does not know where it is
    bool is_head = false;            ///< HEAD is the branch, by whatever name
    /// What is under way there with the branch ("rebase", "bisect"); it does not look checked out then, but
    /// is.
    std::string under_way;
};

/// The ref that this full name leads to through symbolic refs, as git follows them: itself for most. A branch
/// may have several names, and moves under all of them. Reads a few small files.
std::string followed_ref(const repository& repo, std::string fullname);

/// All uses of the branch of this full name ("refs/heads/main"), as they are now: nothing is remembered.
/// Blocks for a few system calls a worktree; starts no process. Errors: the system's, when the worktrees, or
/// what git records of one, cannot be read.
result<std::vector<branch_use>> uses_of(const repository& repo, const std::string& fullname);

/// The same off the loop. Cancellation: the look is finished first.
awaitable<result<std::vector<branch_use>>> find_uses_of(const repository& repo, std::string fullname);

} // namespace graftline::git
