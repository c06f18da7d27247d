/// Commits that only a folder's own files remember: they go when the folder goes.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/command.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// A folder that work lies in, and the git folder that belongs to it: a worktree of ours, a repository nested
/// in one, a submodule's folder below `modules`.
class workplace {
public:
    workplace(std::filesystem::path git_dir, std::optional<std::filesystem::path> work_tree, bool shares_refs)
        : git_dir(std::move(git_dir)), work_tree(std::move(work_tree)), shares_refs(shares_refs)
    {
    }
    /// `git WORDS...` here, whatever `.git` in the folder says; no hook runs, and no configured shortcut
    /// hides a change.
    command git(const repository& repo, std::vector<std::string> words) const;

    std::filesystem::path git_dir;
    std::optional<std::filesystem::path> work_tree; ///< nullopt when it is away
    bool shares_refs;               ///< it is a worktree of our repository: branches and tags outlive it
    std::vector<std::string> rules; ///< words for each git here, by which noted settings count
    std::vector<std::filesystem::path> ignored_by; ///< files with rules instead of git's own; most often none
    bool as_bytes = false; ///< conversions are not what they were: only a file's own bytes can be trusted
    /// The program of a filter is not what it was. What differs from this commit may have gone through the
    /// one or the other; empty: all may have.
    std::optional<std::string> distrusted_since;
};

/// The commit that HEAD is at; nullopt before the first one.
awaitable<result<std::optional<oid>>> head_of(const repository& repo, workplace place);

/// All ids that the files of a git folder remember: HEAD, reflogs, half-done operations. Errors: the
/// system's.
result<std::set<std::string>> remembered_in(const std::filesystem::path& git_dir);

/// The newest of the commits that go when the place goes: those that its HEAD, reflogs, own refs and
/// half-done operations know and that no ref which stays reaches. What stays are our repository's refs, or
/// for a repository of its own its remote-tracking ones. No commit of the result is an ancestor of another.
/// Errors: command_failed, when git cannot walk the history.
awaitable<result<std::vector<oid>>> unreached_commits(const repository& repo, workplace place);

/// Which refs count, in a walk that leaves out what they reach.
struct counted_refs {
    std::string below;                ///< "refs/"
    std::vector<std::string> without; ///< names, or folders that end with "/"
};

/// The commits that refs are at and that can be read, by git commands that `prepared` begins. Tags that are
/// objects of their own are left out: to look through one that leads to a damaged commit ends git.
awaitable<result<std::vector<std::string>>> readable_tips(std::function<command()> prepared,
                                                          counted_refs refs);

/// `git rev-list WORDS` over `commits` but for what refs reach, by `prepared`, which begins a git command. A
/// ref that does not read, or whose commit is damaged or missing, counts as none: it is one task's trouble,
/// not everybody's. Result: what it prints. Errors: command_failed.
awaitable<result<std::string>> walk_beside_refs(std::function<command()> prepared,
                                                std::vector<std::string> words,
                                                std::vector<std::string> commits, counted_refs refs);

} // namespace graftline::git
