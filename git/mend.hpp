/// Git's records of a task, put right after a power cut: each is either whole, or is written again from what
/// we know of the task.
#pragma once

#include "graftline/git/oid.hpp"
#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/fault.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// Is there something for the two below to mend, as far as a few small files tell? `worktree` and `branch`
/// may be empty. Blocks.
bool looks_damaged(const repository& repo, const std::filesystem::path& worktree, const std::string& branch);

/// Writes again what git must know of a worktree of ours and a cut has left empty, garbage or lost: the
/// worktree's `.git`, and HEAD, commondir, gitdir, the lock with its `reason`, and the index (from HEAD, no
/// file is touched) in git's folder for it. What reads well stays, whatever it says: a task may have changed
/// it, and that is judged elsewhere. Result: the files that were written again; none where git has no record
/// of such a worktree at all. Errors: the system's; git's, when the index cannot be made. Lifetime: borrows
/// `repo`.
awaitable<result<std::vector<std::filesystem::path>>>
mend_worktree(repository& repo, std::filesystem::path worktree, std::string branch, std::string reason);

/// What a branch of ours can go back to.
struct known_places {
    std::optional<oid> recorded; ///< its tip, as we have it on record
    std::optional<oid> base;
    bool must_be_there = false; ///< a branch that is gone comes back
};

/// A branch whose file is empty or garbage, or that is at a commit which is not there, goes back to the
/// recorded tip, else to the newest place in its reflog, else to its base: to the first of these of which all
/// is there. One that reads well stays where it is. `thorough`: all that the commit reaches is looked for,
/// not the commit alone. Takes the repository's lock. Result: where it was put; nullopt when nothing was
/// wrong, or it is gone and may be. Errors: corrupt when nothing is left that it could go back to; git's.
/// Lifetime: borrows `repo`.
awaitable<result<std::optional<oid>>> mend_branch(repository& repo, std::string branch, known_places places,
                                                  bool thorough);

/// Is all of a commit there that `base` has not? Starts a git. Errors: what else kept git from saying.
awaitable<result<bool>> is_whole(repository& repo, oid commit, std::optional<oid> base);

} // namespace graftline::git
