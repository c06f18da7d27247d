/// What we put into a worktree beside its checkout: copies of the user's files and links to them. It is no
/// task's work: it is neither committed nor rescued, and does not land.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::git {

struct furnished_path {
    std::string path;         ///< relative to the top of the worktree
    std::string link;         ///< where the link leads that was put there; empty: a copy
    bool is_as_it_was = true; ///< a copy that somebody has edited is no work, but must not get lost
};

/// Notes in git's record of the worktree at `worktree` that `path`, relative to it, was put there: of a
/// folder each file, so that what comes beside them is the task's work. One of more than 2,000 entries counts
/// as a whole. The note goes with the record. Errors: the system's. Blocks.
result<void> note_furnished(const std::filesystem::path& record, const std::filesystem::path& worktree,
                            const std::filesystem::path& path);

/// What was put there and is there still. A link that has become a file is an edited copy; one that has
/// become a folder is the task's own. Reads one file, and looks at what it names. Empty when nothing was
/// noted.
std::vector<furnished_path> furnished_in(const std::filesystem::path& record,
                                         const std::filesystem::path& worktree);

/// `path` as a line of an exclude file that means what is there and nothing else.
std::string exclude_pattern(const std::filesystem::path& path);

} // namespace graftline::git
