/// Merging commits without a checkout, with git's own answer.
#pragma once

#include "graftline/git/objects/new_objects.hpp"
#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// One path on which two sides do not agree.
struct merge_conflict {
    std::string path;
    std::string
        kind; ///< as git names it: "contents", "modify/delete", "rename/delete", "add/add", "binary" ...
    friend bool operator==(const merge_conflict&, const merge_conflict&) = default;
};

/// What merging gave.
struct merge_outcome {
    oid tree; ///< the merged tree; with conflicts it holds conflict markers and must not land
    std::vector<merge_conflict> conflicts; ///< sorted by path, each path once
    new_objects objects;                   ///< what of the tree is not in the repository yet
    bool in_process = false;               ///< decided by ourselves, without the git command
    bool clean() const noexcept { return conflicts.empty(); }
};

// Nothing is written into the repository by any of these, no work tree, index or ref is touched. Attributes
// are those of `ours`, wherever we were started; configuration is the repository's, as git sees it. Errors:
// command_failed with git's words when git gives no answer (unrelated histories, a crash of git): never to be
// reported as a conflict. Cancellation: what runs is ended and reaped, then operation_aborted. Lifetime: all
// borrow `repo`.

/// Merges `theirs` into `ours` as `git merge` in a fresh checkout of `ours` would.
awaitable<result<merge_outcome>> merge_commits(repository& repo, oid ours, oid theirs);

/// The same from `base` on, whatever the histories say: all three are commits. With a commit's parent as base
/// it is picked, with the commit as base and its parent as theirs it is undone.
awaitable<result<merge_outcome>> merge_on_base(repository& repo, oid base, oid ours, oid theirs);

struct merge_question {
    oid ours, theirs;
};

/// Many of `merge_commits` at once, in one job on the pool; what git has to answer follows, a few at a time.
/// `more_objects`: object directories that are read besides the repository's. Result: one answer a question,
/// in their order.
awaitable<std::vector<result<merge_outcome>>>
merge_pairs(repository& repo, std::vector<merge_question> questions,
            std::vector<std::filesystem::path> more_objects = {});

} // namespace graftline::git
