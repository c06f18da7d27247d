/// What git records of each worktree: where it lies, what its HEAD is on, what is half done in it.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {

class repository;

/// The first line of a small file that git wrote; empty when there is none that can be read.
std::string first_line_of(const std::filesystem::path& file);

/// The ref that the text of a symbolic ref names ("ref: refs/heads/main"); empty when it is none.
std::string ref_named_in(std::string_view head);

/// The folders that git keeps for single worktrees: of the main one (even in a bare repository), then of the
/// linked.
result<std::vector<std::filesystem::path>> worktree_git_dirs(const repository& repo);

/// The top of the work tree that a folder of `worktree_git_dirs` belongs to; nullopt for a bare repository's
/// own.
std::optional<std::filesystem::path> work_tree_of(const repository& repo,
                                                  const std::filesystem::path& git_dir);

/// `path` with the links in its parents resolved, but not one in its own place: that may have taken the place
/// of a folder, and is not followed.
std::filesystem::path without_links_above(const std::filesystem::path& path);

/// The git folder that the `.git` file of a worktree names; nullopt when there is no such file. It may name
/// anything.
std::optional<std::filesystem::path> named_by_dot_git(const std::filesystem::path& worktree);

/// The folder that git keeps for the worktree at `work_tree`, by git's own record: what the worktree's `.git`
/// says counts only where the record says the same, for a task may have damaged it. Nullopt when git knows of
/// none there. Costs the same however many others there are, unless git gave the record another name than the
/// folder has and `.git` does not tell.
result<std::optional<std::filesystem::path>> git_dir_of(const repository& repo,
                                                        const std::filesystem::path& work_tree);

/// The full name of the ref that HEAD is on, born or not, in a folder of `worktree_git_dirs`; empty when it
/// is detached.
std::string head_ref_in(const std::filesystem::path& git_dir);

/// What is half done in a worktree, as a person would say it: "a merge", "a rebase" ...; nullopt when nothing
/// is.
std::optional<std::string> half_done_in(const std::filesystem::path& git_dir);

} // namespace graftline::git
