/// Files that every git opens by their names, in the repository and in the configuration. Where something
/// else has taken the place of one, git waits for ever (a pipe) or gives up with words that say little.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// Looks at those that a git which starts in the folder `start` opens: some twenty `stat` calls, and the
/// configuration is read for what it includes. Starts no process and waits for nothing. /dev/null is as good
/// as a file. Errors: unusable, naming what is no file.
result<void> check_git_files(const std::filesystem::path& start);

/// The same for git's folder of a repository or of a linked worktree.
result<void> check_git_folder(const std::filesystem::path& git_dir);

/// What a git finds by listing a folder that all worktrees share: every loose ref and reflog, every pack and
/// loose object, those too of repositories that it borrows objects from. The names alone are read, a call or
/// two for each folder; for once a command, and after an agent has ended.
/// What is neither folder nor file, nor a link to one, is refused. Errors: unusable, naming it.
result<void> check_listed_files(const std::filesystem::path& git_dir);

/// The rules in a work tree that a git reads for `paths` (relative to `top`): .gitattributes, .gitignore and
/// .gitmodules at the top, and the first two in every folder above one of the paths. Errors: as above.
result<void> check_rules_in_tree(const std::filesystem::path& top,
                                 const std::vector<std::string>& paths = {});

/// The same for a repository and the records of all its worktrees, which a git reads that lists, adds or
/// removes one.
result<void> check_worktree_records(const repository& repo);

} // namespace graftline::git
