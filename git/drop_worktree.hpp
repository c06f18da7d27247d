/// Taking a worktree out of a repository's books, and its folder out of the way, in one short step under the
/// lock.
#pragma once

#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/fault.hpp"

#include <filesystem>
#include <optional>

namespace graftline::git {

class repository;

/// Renames the folder of the worktree at `path` away and has git forget the worktree. Call it under the
/// repository's lock, when the worktree is known to be ours. Result: the renamed folder, nullopt when there
/// was none. Borrows `repo`. Errors: the system's (the folder is then where it was), command_failed.
awaitable<result<std::optional<std::filesystem::path>>> drop_worktree(repository& repo,
                                                                      std::filesystem::path path);

/// Deletes what `drop_worktree` renamed, on the blocking pool, outside the lock; and what processes that died
/// have left.
awaitable<result<void>> delete_dropped(repository& repo, std::filesystem::path dropped);

} // namespace graftline::git
