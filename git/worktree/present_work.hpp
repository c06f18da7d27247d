/// What lies in a worktree at this moment, committed or not, as a commit that leaves no trace.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/rules/filters.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// One look at a worktree.
struct present_work {
    oid commit; ///< its HEAD where all is committed; else a commit on top of it, the same for the same files
    std::shared_ptr<scratch_folder> scratch; ///< keeps `objects`; null when the commit is HEAD
    std::filesystem::path objects;           ///< the object directory that alone has the commit; may be empty
    std::vector<std::string> left_out;       ///< what is not in it and why, one sentence each
    std::string fingerprint;                 ///< by which a later look knows that nothing has changed
};

/// Looks at the linked worktree at `worktree`: staged, unstaged and untracked work, what is ignored left out.
/// Neither its files nor its index are touched, nothing is written into the repository's object store, and
/// nothing runs that the configuration names: files that go through one of `filters` are left out when they
/// differ, as are repositories inside. What assume-unchanged or skip-worktree hides is not seen. `before`:
/// the look before this one; it is given again when nothing has changed since, for the price of a `git
/// status`. Errors: not_found (no worktree of this repository is there), refused (its checkout was never
/// finished, or it has no commit, or more uncommitted work than is reasonable: 50,000 files, 256 MiB), git's
/// words. Cancellation: terminal. Lifetime: borrows `repo` and `filters`.
awaitable<result<present_work>> look_at_work(repository& repo, std::filesystem::path worktree,
                                             const filter_drivers& filters,
                                             std::optional<present_work> before);

/// The folder in which git keeps the records of a linked worktree of ours: HEAD, index, logs. Errors:
/// not_found, when there is none; refused, when the worktree's `.git` names another one.
result<std::filesystem::path> records_of_worktree(const repository& repo,
                                                  const std::filesystem::path& worktree);

} // namespace graftline::git
