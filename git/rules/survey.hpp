/// What git does not see of a folder: it passes over what it cannot open with a warning and exit 0, waits for
/// ever where a pipe has the name of one of its files, and does not look for repositories in what is ignored.
#pragma once

#include "graftline/git/refs/unreached.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// Something below the top of the folder, and what is wrong with it.
struct obstacle {
    std::string path;
    std::string why;
};

struct survey {
    std::vector<obstacle> blocking;        ///< git would wait for it: none may run there
    std::vector<obstacle> unreadable;      ///< git would pass it over
    std::vector<std::string> repositories; ///< folders with a `.git`, but the top; sorted
    std::vector<std::string> git_folders;  ///< folders that look like the inside of a `.git`; sorted
};

enum class survey_of {
    work_tree,          ///< what its owner may not read is made readable
    work_tree_as_it_is, ///< nothing is changed: somebody works there
    git_folder
};

/// Walks through all of `top`, ignored or not, and follows no link. Folders, and files of git's such as
/// `.gitignore`, that their owner may not read are made readable first where they are ours: git does not
/// record such modes. Blocks: run it by `offload`. Errors: the system's, when `top` cannot be opened.
result<survey> survey_folder(const std::filesystem::path& top, survey_of what);

/// Gives the owner the right to read files that git could not read, where they are ours and have no other
/// name. Git records whether a file can be executed, which stays. Result: how many. Blocks.
std::size_t make_files_readable(const std::filesystem::path& top);

/// The survey of a place's work tree; nothing of one that is away. Git's folder for a linked worktree is
/// looked through too. Off the loop. Errors: refused, with what git would wait for, or cannot read of its
/// own.
awaitable<result<survey>> survey_place(workplace place);

/// No git would wait for ever in the worktree at `top`. Errors: refused, naming what it would wait for.
awaitable<result<void>> check_git_may_run_in(std::filesystem::path top);

/// All that is not ignored can be read. Errors: refused, naming what cannot.
awaitable<result<void>> check_readable(const repository& repo, workplace place,
                                       std::vector<obstacle> unreadable);

} // namespace graftline::git
