/// Nothing is lost: what no ref reaches goes under refs/graftline/rescue before its worktree or branch goes.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace graftline::git {

class repository;

/// Saves everything in a worktree that no ref reaches: changed and untracked files, what is staged and
/// differs from the files, a detached HEAD, commits that only HEAD's reflog knows, commits of nested
/// repositories and of submodules. It lies under refs/graftline/rescue/<task>/<n>, n counting from 1; a
/// rescue is never overwritten. The first parent of the rescue is HEAD, its tree the files; `git show
/// <ref>^2` is what was staged where that differs. Commits of nested repositories and submodules lie beside
/// it as refs/graftline/rescue/<task>/<n>.nested/<k>, which the message names. Ignored files are not saved,
/// but repositories among them are; what is ignored are the rules of when the worktree was made. Files are
/// saved as a commit would hold them, those that a filter does not give back as they lie there; all of them
/// so, when conversions are not what they were when the worktree was made. A worktree
/// whose folder is away, or was replaced by something else, is saved from git's record of it; no link is
/// followed. Hooks, signing and filters that fail are bypassed; the user's index and files are not touched.
/// The checkout must have been recorded as finished, and the task's processes have ended. Result: the ref, or
/// nullopt when there was nothing that another ref does not reach. Errors: any fault means that something
/// could not be saved: the worktree must be kept. Cancellation: git is ended and reaped, then
/// operation_aborted; refs that were made stay, which costs nothing. Lifetime: borrows `repo` until
/// completion.
awaitable<result<std::optional<std::string>>> rescue(repository& repo, std::filesystem::path worktree,
                                                     std::string task_id);

/// Puts a commit, such as the tip of a branch that is to go, under refs/graftline/rescue/<task>/<n>.
/// Result: the ref, or nullopt when a ref other than the branch itself (`except`, a full name) reaches it
/// already.
awaitable<result<std::optional<std::string>>> rescue_commit(repository& repo, oid commit, std::string task_id,
                                                            std::string except = {});

} // namespace graftline::git
