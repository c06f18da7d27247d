/// Submodules in a worktree of ours: filled when it is made, and what was committed in them kept.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {

class repository;

/// One that a .gitmodules names. Anybody may have written it: neither is checked.
struct submodule {
    std::string name;
    std::string path; ///< below the top of the work tree
};

/// The keys of their paths, for `git config -z --get-regexp`, and what that answers.
inline constexpr const char* paths_of_submodules = "^submodule\\..*\\.path$";
std::vector<submodule> submodules_told(std::string_view output);

/// Those that .gitmodules of the work tree at `folder` names; none where it is no file. Errors: git's.
/// Cancellation: terminal.
awaitable<result<std::vector<submodule>>> submodules_in(repository& repo, std::filesystem::path folder);

/// Populates the submodules of the work tree at `folder` that the repository has fetched: cloned from its own
/// copies, no network, no change to its configuration. What the user has not initialised stays empty, as it
/// is for them. One that cannot be brought to the commit that is wanted stays empty, too: filled with another
/// it would be taken for a change. `notice` hears which could not be populated: that is no error. Borrows
/// `repo`. Cancellation: terminal.
awaitable<result<void>> populate_submodules(repository& repo, std::filesystem::path folder,
                                            std::function<void(std::string)> notice);

/// Keeps what the commits from `base` to `tip` point to in submodules, and what those point to in theirs,
/// where `git submodule update` finds it in every other checkout: in the repository's own copy of the
/// submodule, below refs/graftline/kept/. What a copy has already is left alone. A submodule that the task
/// added, with commits that it has not from elsewhere, gets a copy in the repository. Starts no process for a
/// worktree without populated submodules. Result: the paths of submodules in which something was kept.
/// Errors: command_failed: then it exists only in the worktree. Cancellation: terminal. Lifetime: borrows
/// `repo`.
awaitable<result<std::vector<std::string>>>
keep_submodule_commits(repository& repo, std::filesystem::path worktree, oid base, oid tip);

/// Was the submodule at `path` populated by us with this commit, and nothing committed or checked out in it
/// since? Blocks for the reading of two small files.
bool is_as_populated(const std::filesystem::path& worktree, const std::string& path, const oid& commit);

/// The populated submodules of a worktree in which something is not committed: their paths. Starts no process
/// for one without. Errors: command_failed.
awaitable<result<std::vector<std::string>>> submodules_with_edits(repository& repo,
                                                                  std::filesystem::path worktree);

} // namespace graftline::git
