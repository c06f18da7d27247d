/// Worktrees: listing, making, looking at and removing them without ever touching somebody else's.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace graftline::git {

class repository;

/// One worktree as git lists it.
struct worktree_entry {
    std::filesystem::path path;
    std::optional<std::string> branch; ///< the full ref; nullopt when detached or bare
    std::optional<oid> head;           ///< nullopt before the first commit, and for a bare one
    bool is_main = false;
    bool bare = false;
    bool detached = false;
    bool locked = false;
    std::string lock_reason;
    bool prunable = false;
};

/// Completes the records of worktrees in which a git was killed between making `commondir` and filling it,
/// with what every git writes there: until then no git lists a worktree, adds one, or switches branches.
/// Reads a few small files' sizes.
void complete_worktree_records(const repository& repo);

/// All worktrees, the main one first.
awaitable<result<std::vector<worktree_entry>>> list_worktrees(repository& repo);

/// What a worktree is to be. A class, not an aggregate: it is a coroutine's argument.
class worktree_request {
public:
    /// A worktree at `path` (absolute, or relative to where we are) on the new branch `branch` (short) from
    /// `base`; with an empty `branch`, detached at `base`: a scratch worktree, whose hooks run too.
    worktree_request(std::filesystem::path path, std::string branch, oid base)
        : path(std::move(path)), branch(std::move(branch)), base(std::move(base))
    {
    }
    /// Locked with this reason, which also says that it is ours: "graftline <task>". Without it: not locked.
    worktree_request&& lock(std::string reason) &&
    {
        lock_reason = std::move(reason);
        return std::move(*this);
    }
    /// The branch exists and is checked out as it is; `base` is what it must hold.
    worktree_request&& on_existing_branch() &&
    {
        existing_branch = true;
        return std::move(*this);
    }

    /// Called on the caller's strand with what the user should know, and what does not make it fail: a hook
    /// or a submodule that did not work.
    worktree_request&& tell(std::function<void(std::string)> whom) &&
    {
        notice = std::move(whom);
        return std::move(*this);
    }

    std::filesystem::path path;
    std::string branch;
    oid base;
    std::string lock_reason;
    bool existing_branch = false;
    std::function<void(std::string)> notice;
};

/// Makes a worktree and populates it. Metadata changes under the repository's lock, files are checked out
/// outside it, at most as many at once as there are cores. Its end means "the checkout is finished": a caller
/// that dies before must not trust the folder. Errors: exists (path or branch), busy (the branch is checked
/// out elsewhere, named), no_space, command_failed. On an error or a cancel everything that it made is gone
/// again, the branch too. Cancellation: terminal, honoured while waiting for the lock and during the
/// checkout.
awaitable<result<void>> add_worktree(repository& repo, worktree_request request);

/// What a person should know of a relative core.hooksPath that leads nowhere in `worktree`, once all is there
/// that is put into it; empty when there is nothing to say. Blocks for a look at one folder.
std::string missing_hooks(const repository& repo, const std::filesystem::path& worktree);

/// How a work tree stands.
struct worktree_status {
    std::optional<std::string> branch; ///< short; nullopt when detached
    int uncommitted = 0;               ///< tracked files that differ from HEAD, in the index or on disk
    int untracked = 0;                 ///< files that git neither knows nor ignores
    int ahead = 0;                     ///< commits that `base` does not have
    int behind = 0;                    ///< commits of `base` that it does not have
    bool is_clean() const noexcept { return uncommitted == 0 && untracked == 0; }
};

/// Looks at the work tree at `path`; changes nothing there, not even its index. Errors: refused, when git
/// would wait for ever for what is no file, or cannot read all of it.
awaitable<result<worktree_status>> status_of(repository& repo, std::filesystem::path path,
                                             std::optional<oid> base);

/// Is the folder at `path` the worktree of ours that was locked with `reason` and made for `branch` (its
/// short name)? Reads a few small files. Errors: refused, when somebody has put something else there, a link
/// included.
result<void> check_worktree(const repository& repo, const std::filesystem::path& path,
                            const std::string& reason, const std::string& branch);

/// Removes a worktree of ours: one whose lock reason is `lock_reason_expected`. What is in it is gone
/// afterwards: rescue first. Follows no symlinks. Removes parents that are empty then and lie between it and
/// the repository's own folders. Errors: refused (the main worktree, or locked for another reason), not_found
/// (no worktree there), the system's. Cancellation: terminal, honoured before anything is removed only.
awaitable<result<void>> remove_worktree(repository& repo, std::filesystem::path path,
                                        std::string lock_reason_expected);

/// Deletes what git's record of a worktree of ours is made of, where git itself cannot make sense of it any
/// more. The worktree's folder must be gone. Nothing happens where it is not ours. Blocks.
void forget_worktree(const repository& repo, const std::filesystem::path& path, const std::string& reason);

/// Keeps a folder inside a work tree out of `git status` there, by info/exclude; does nothing for one
/// outside.
awaitable<result<void>> keep_out_of_status(repository& repo, std::filesystem::path path);

} // namespace graftline::git
