/// A checkout of somebody's that follows a landing: looking at it, and its files and index.
#pragma once

#include "graftline/git/commits/staged.hpp"
#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/command.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace graftline::git {

class kept_files;
class repository;

/// Where somebody works. A value; nothing is held.
class landing_checkout {
public:
    landing_checkout(repository& repo, std::filesystem::path git_dir, std::filesystem::path work_tree)
        : repo_(&repo), git_dir_(std::move(git_dir)), work_tree_(std::move(work_tree))
    {
    }
    const std::filesystem::path& git_dir() const noexcept { return git_dir_; }
    const std::filesystem::path& work_tree() const noexcept { return work_tree_; }
    repository& of() const noexcept { return *repo_; }
    /// `git WORDS...` in this checkout, named outright.
    command git(std::vector<std::string> words) const;

private:
    repository* repo_;
    std::filesystem::path git_dir_;
    std::filesystem::path work_tree_;
};

/// The paths that a landing adds and that lie on disk already, ignored or not: git would overwrite them.
std::vector<std::string> paths_in_the_way(const landing_checkout& where,
                                          const std::vector<staged_change>& landing);

/// What lies on disk at each path of a landing, as the blob that git would store; nullopt where there is
/// nothing. Submodules are left out. Errors: command_failed, when a filter of the user's fails.
awaitable<result<std::map<std::string, std::optional<oid>>>>
blobs_on_disk(landing_checkout where, std::vector<staged_change> landing);

/// The paths of a landing that are edited or staged in the checkout, compared with `from`.
awaitable<result<std::vector<std::string>>> edited_paths(landing_checkout where, oid from,
                                                         std::vector<staged_change> landing);

/// Edits that git's two-way `read-tree` would overwrite without a word: files that the user has deleted, and
/// what is staged where a folder and a file take each other's place.
awaitable<result<std::vector<std::string>>> overlooked_edits(landing_checkout where, oid from,
                                                             std::vector<staged_change> landing);

/// Index entries that hold what a landing brings, although HEAD does not, go back to what HEAD holds; no file
/// is touched. Errors: git's; busy when the index stays locked.
awaitable<result<void>> take_entries_back(landing_checkout where, std::vector<staged_change> landing);

/// Files that a half-done update of ours brought to the landing's state go back to what the index says: to
/// their copy where `kept` has one, else by git, through their filters. Files that are anything else are not
/// touched. Errors: corrupt, naming the paths, for these; command_failed where a filter fails.
awaitable<result<void>> put_back(landing_checkout where, std::vector<staged_change> landing,
                                 const kept_files& kept);

/// Index entries that are an old one although `tree` and the file on disk are the landing's get the
/// landing's. `old`: for each path every state that a recent landing replaced, as "mode oid", or "000000
/// <null id>". Result: how many were set. Errors: busy when the index stays locked.
awaitable<result<std::size_t>> repair_entries(landing_checkout where, std::string tree,
                                              std::vector<staged_change> landing,
                                              std::map<std::string, std::vector<std::string>> old);

/// One side of a change as `repair_entries` wants it.
std::string state_of(const std::string& mode, const oid& blob);

/// Did git fail because another process holds a lock?
bool says_locked(const std::string& words);

} // namespace graftline::git
