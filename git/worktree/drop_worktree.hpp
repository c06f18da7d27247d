/// Taking a worktree out of a repository's books, and its folder out of the way, in one short step under the
/// lock.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <optional>
#include <vector>

namespace graftline::git {

class repository;

/// Renames the folder of the worktree at `path` away, and git's record of it, which is deleted: to git the
/// worktree is there, or it is not. The cost is the same however many others there are. Call it under the
/// repository's lock, when the worktree is known to be ours. Result: the renamed folder, nullopt when there
/// was none. Borrows `repo`. Errors: not_found, when git has no record of it or it is the main one; the
/// system's (the folder is then where it was). Cancellation: not honoured.
awaitable<result<std::optional<std::filesystem::path>>> drop_worktree(repository& repo,
                                                                      std::filesystem::path path);

/// Deletes what `drop_worktree` renamed, on the blocking pool, outside the lock; and what processes that died
/// have left. Errors: refused or the system's, naming what stopped it and the folder that is left.
awaitable<result<void>> delete_dropped(repository& repo, std::filesystem::path dropped);

/// A folder that `drop_worktree` renamed and that is still there, though its process has ended.
struct left_folder {
    std::filesystem::path path;
    std::optional<fault> why; ///< it cannot be deleted; nullopt: it is deleted now, or was not tried
};

/// Deletes such folders, on the blocking pool. `only_look`: names them and does nothing. Borrows `repo`.
awaitable<std::vector<left_folder>> delete_left_folders(repository& repo, bool only_look);

} // namespace graftline::git
