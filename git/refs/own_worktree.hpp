/// Which folder is whose: git's records of our worktrees, and the folders themselves. Either may have been
/// moved, replaced or damaged meanwhile, and neither is believed without the other.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace graftline::git {

class repository;

/// What lies where a folder is expected.
enum class folder_state {
    there,   ///< a folder
    away,    ///< nothing: it was moved, deleted, or its disk is not mounted
    replaced ///< something else, such as a symbolic link: it is not followed
};

/// Looks without following a link. Errors: the system's, when that cannot be told: a parent that may not be
/// entered, a disk that does not answer.
result<folder_state> folder_at(const std::filesystem::path& path);

/// A worktree of ours.
struct own_worktree {
    std::filesystem::path record; ///< the folder that git keeps for it
    std::filesystem::path path;   ///< where it is by that record
};

/// Notes in git's record of the worktree at `path` that it was made as `reason` says, and how it lies to the
/// repository: by that it is known when somebody unlocks or moves it. Git removes the note with the record.
/// Errors: the system's.
result<void> mark_own_worktree(const std::filesystem::path& record, const std::filesystem::path& path,
                               const std::string& reason);

/// The reason in a worktree's lock, as `git worktree list` gives it; nullopt when it is not locked.
std::optional<std::string> lock_of(const std::filesystem::path& record);

/// Is the worktree of this record ours, by its lock or by our mark? A lock for another reason is somebody's.
bool is_own_record(const std::filesystem::path& record, const std::string& reason);

/// The worktree that was made as `reason` for `branch` (short) and last seen at `last_seen`, wherever git or
/// a person who told git so has moved it. Where the whole repository was moved, the links between the two
/// folders are put right, as `git worktree repair` does; a copy of a repository is left as it is. So is a
/// worktree's `.git` that was deleted, where its files are those that git's index has seen. Nullopt:
/// git has no record of it, or one that leads to a folder which does not belong to it. Reads a few small
/// files. Errors: the system's.
result<std::optional<own_worktree>> find_own_worktree(const repository& repo,
                                                      const std::filesystem::path& last_seen,
                                                      const std::string& reason, const std::string& branch);

/// Where git's record of a worktree says that its repository is, when that is not `repo`: every git there
/// would work in another one. Nullopt also when it says nothing that reads.
std::optional<std::filesystem::path> other_repository_of(const repository& repo,
                                                         const std::filesystem::path& record);

/// What the `.git` of a worktree says instead of naming `record`, in words for a person; nullopt when it
/// names it.
std::optional<std::string> what_dot_git_says(const std::filesystem::path& worktree,
                                             const std::filesystem::path& record);

} // namespace graftline::git
