/// Who uses a branch: git's own compare-and-swap moves or deletes it under their feet.
#pragma once

#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/fault.hpp"

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

/// The folders that git keeps for single worktrees: of the main one (even in a bare repository), then of the
/// linked.
result<std::vector<std::filesystem::path>> worktree_git_dirs(const repository& repo);

/// The top of the work tree that a folder of `worktree_git_dirs` belongs to; nullopt for a bare repository's
/// own.
std::optional<std::filesystem::path> work_tree_of(const repository& repo,
                                                  const std::filesystem::path& git_dir);

/// `path` with the links in its parents resolved, but not one in its own place: that may have taken the place
/// of a folder, and is not followed.
std::filesystem::path without_links_above(const std::filesystem::path& path);

/// The git folder that the `.git` file of a worktree names; nullopt when there is no such file. It may name
/// anything.
std::optional<std::filesystem::path> named_by_dot_git(const std::filesystem::path& worktree);

/// The folder that git keeps for the worktree at `work_tree`, by git's own record: what the worktree's `.git`
/// says counts only where the record says the same, for a task may have damaged it. Nullopt when git knows of
/// none there. Costs the same however many others there are, unless git gave the record another name than the
/// folder has and `.git` does not tell.
result<std::optional<std::filesystem::path>> git_dir_of(const repository& repo,
                                                        const std::filesystem::path& work_tree);

/// The full name of the ref that HEAD is on, born or not, in a folder of `worktree_git_dirs`; empty when it
/// is detached.
std::string head_ref_in(const std::filesystem::path& git_dir);

/// What is half done in a worktree, as a person would say it: "a merge", "a rebase" ...; nullopt when nothing
/// is.
std::optional<std::string> half_done_in(const std::filesystem::path& git_dir);

} // namespace graftline::git
