/// What a repository is, and what libgit2 may therefore do with it.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <compare>
#include <filesystem>
#include <string>

namespace graftline::git {

/// The version of the git program.
struct git_version {
    int major = 0;
    int minor = 0;
    int patch = 0;
    friend auto operator<=>(const git_version&, const git_version&) = default;
    std::string text() const;
};

/// Reads "git version 2.39.5 (Apple ...)"; a fault when there is no version in it.
result<git_version> parse_git_version(std::string_view text);

/// The oldest git that does what we need (`git merge-tree --write-tree`).
inline constexpr git_version oldest_git{2, 38, 0};

/// What a repository was found to be. A snapshot: shallow boundaries and replace refs may come later, so what
/// reads through libgit2 looks again (`may_read_directly`).
struct capability {
    git_version git;
    bool bare = false;              ///< it has no main work tree
    bool sha256 = false;            ///< object ids have 64 digits
    bool reftable = false;          ///< refs are not files
    bool worktree_config = false;   ///< extensions.worktreeConfig
    bool shallow = false;           ///< history ends early
    bool partial = false;           ///< objects are fetched when needed
    bool sparse = false;            ///< the main work tree, or a linked one, has only part of the files
    bool submodules = false;        ///< it has some that were fetched, or .gitmodules in the work tree
    bool filters = false;           ///< filter.* drivers are configured (LFS among them)
    bool lfs = false;               ///< LFS is in use here: it has a storage folder of its own
    bool replaced = false;          ///< refs/replace or info/grafts change what history is
    bool unknown_extension = false; ///< an extension that we do not know
    std::string work_tree;          ///< core.worktree of the main worktree, as configured
    std::string
        hooks_path; ///< the folder where git looks for hooks; a relative core.hooksPath stays relative

    /// May libgit2 read refs, commits and trees, with git's own answers?
    bool direct_reads() const noexcept
    {
        return !sha256 && !reftable && !worktree_config && !shallow && !partial && !replaced &&
               !unknown_extension;
    }
    std::size_t oid_digits() const noexcept { return sha256 ? 64 : 40; }
};

class repository;

/// Looks at the repository by configuration and a few files; runs one git process.
/// Errors: unsupported, with the reason, where this git cannot work here at all.
awaitable<result<capability>> find_capability(const repository& repo, git_version version);

/// A few stat calls: has the repository become shallow, or got replace refs or grafts, since it was looked
/// at?
bool has_become_indirect(const std::filesystem::path& common_dir);

} // namespace graftline::git
