/// What we put into a worktree beside its checkout: copies of the user's files and links to them. It is no
/// task's work: it is neither committed nor rescued, and does not land.
#pragma once

#include "graftline/runtime/fault.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::git {

struct furnished_path {
    std::string path; ///< relative to the top of the worktree
    std::string link; ///< where the link leads that was put there; empty: a copy
};

/// Notes in git's record of the worktree at `worktree` that `path`, relative to it, was put there. The note
/// goes with the record. Errors: the system's.
result<void> note_furnished(const std::filesystem::path& record, const std::filesystem::path& worktree,
                            const std::filesystem::path& path);

/// What was put there and is there still. A link that has become something else is the task's own. Reads one
/// file, and each link. Empty when nothing was noted.
std::vector<furnished_path> furnished_in(const std::filesystem::path& record,
                                         const std::filesystem::path& worktree);

/// `path` as a line of an exclude file that means what is there and nothing else.
std::string exclude_pattern(const std::filesystem::path& path);

} // namespace graftline::git
