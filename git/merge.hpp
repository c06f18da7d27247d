/// Merging two commits without a checkout, with git's own answer.
#pragma once

#include "graftline/git/oid.hpp"
#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/fault.hpp"

#include <optional>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// One path on which two sides do not agree.
struct merge_conflict {
    std::string path;
    std::string
        kind; ///< as git names it: "contents", "modify/delete", "rename/delete", "add/add", "binary" ...
};

/// What merging gave.
struct merge_outcome {
    oid tree; ///< the merged tree; with conflicts it holds conflict markers and must not land
    std::vector<merge_conflict> conflicts; ///< sorted by path, each path once
    bool clean() const noexcept { return conflicts.empty(); }
};

/// Merges `theirs` into `ours` as `git merge` in a fresh checkout of `ours` would; no work tree, index or ref
/// is touched. Attributes are those of `ours`, wherever we were started. Errors: command_failed with git's
/// words when git gives no answer (unrelated histories, a crash of git): never to be reported as a conflict.
/// Cancellation: git is ended and reaped, then operation_aborted. Lifetime: borrows `repo`.
awaitable<result<merge_outcome>> merge_commits(repository& repo, oid ours, oid theirs);

/// The same with a base of the caller's choice: puts what lies between the commits `base` and `theirs` on
/// `ours`.
awaitable<result<merge_outcome>> merge_on_base(repository& repo, oid base, oid ours, oid theirs);

} // namespace graftline::git
