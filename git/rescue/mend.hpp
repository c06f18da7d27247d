/// Git's records of a task, put right after a power cut: each is either whole, or is written again from what
/// we know of the task.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

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
/// it, and that is judged elsewhere; but a commondir that names another repository is wrong for everybody. A
/// record that is gone as a whole is made again where the worktree's `.git` names it and the branch is there:
/// HEAD is at the branch then, and what was staged is staged no more. Which files are copies of the user's is
/// not known then: `furnished`, the paths that settings have put into a worktree, must not lie there. Result:
/// the files that were written again; none where nothing leads to a record. Errors: refused, with the next
/// step, where the branch is gone or checked out elsewhere, or such a path is there; the system's; git's,
/// when the index cannot be made. Lifetime: borrows `repo`.
awaitable<result<std::vector<std::filesystem::path>>> mend_worktree(repository& repo,
                                                                    std::filesystem::path worktree,
                                                                    std::string branch, std::string reason,
                                                                    std::vector<std::string> furnished = {});

/// What a branch of ours can go back to.
struct known_places {
    std::optional<oid> recorded; ///< its tip, as we have it on record
    std::optional<oid> base;
    bool must_be_there = false; ///< a branch that is gone comes back
};

/// What became of a branch that was looked at.
struct mended_branch {
    std::optional<oid> put;          ///< where it was put; nullopt: it stays where it is
    std::optional<oid> was;          ///< where it was, as far as that read; set only with `put`
    std::optional<std::string> kept; ///< the rescue ref made for what it was at, or had been at
    bool has_gaps = false;           ///< it stays, and older commits of it have lost objects
};

/// A branch whose file is empty or garbage, or that is at a commit which does not read, goes back to the
/// newest commit below it that does, else to the recorded tip, else to the newest place in its reflog, else
/// to its base: to the first of these that reads. A commit reads when its history down to the base and all of
/// its own files are there: a landing needs no more than that. What only older commits held may be lost; the
/// branch stays then. Before the branch moves, what it was at is kept under refs/graftline/rescue/`task`/<n>,
/// if the commit and its top folder are there; otherwise the newest place of its reflog that reads, unless a
/// ref reaches that. `thorough`: all that the commit reaches is looked for, not the commit and its top folder
/// alone. Takes the repository's lock. Errors: corrupt when nothing is left that it could go back to; git's.
/// Lifetime: borrows `repo`.
awaitable<result<mended_branch>> mend_branch(repository& repo, std::string branch, std::string task,
                                             known_places places, bool thorough);

/// Those of the branches (short names) that are at a commit which is not there, or whose top folder is not:
/// for `mend_branch` to look at. Starts no process; says nothing of a repository that libgit2 does not read.
/// Lifetime: borrows `repo`.
awaitable<std::vector<std::string>> branches_in_trouble(repository& repo, std::vector<std::string> branches);

/// Is all of a commit there that `base` has not? Starts a git. Errors: what else kept git from saying.
awaitable<result<bool>> is_whole(repository& repo, oid commit, std::optional<oid> base);

} // namespace graftline::git
