/// The guard against a landing that silently takes back what others have landed.
#pragma once

#include "graftline/git/objects/new_objects.hpp"
#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// What a landing would take back in one file.
struct undone_lines {
    std::string path;
    /// As the change that landed had them, with '+' before a line that would go and '-' before one that would
    /// come back. "+mode 100755", "+symbolic link to x", "+submodule at <id>" and "+binary contents <id>"
    /// stand for what has no lines.
    std::vector<std::string> lines;
    /// The commit of the target's own line of history that brought them; empty when that is not cheaply
    /// known.
    std::string landed_by;
};

/// Finds the lines that landed after `base` and that `merged_tree` would take back although the task itself
/// did not touch them. Agents do this without noticing: they merge with `-s ours`, `git reset --soft` to the
/// new target and commit their old files, or settle a rebase with their own side. Their branch then pretends
/// to contain the target, so that every merge of it is clean.
///
/// Definition. The honest merge is the three-way merge of `target_tip` and `task_tip` on `base`, the commit
/// that the task's work really started from: what git would have answered had the branch not pretended to
/// contain more. Undone are a line, mode, link or file that changed between `base` and `target_tip`, that the
/// honest merge has as the target has it, and that `merged_tree` has not. Where the honest merge conflicts,
/// the task has touched it, and may do as it likes. So a task that merged the target honestly and then
/// changed what landed is left alone, with one exception that contents cannot tell from a stale file: when it
/// brings back exactly what `base` had. That is undone too, unless
///  - the task moved it: half or more of a run of lines is found among what the landing adds elsewhere; or
///  - a commit of the task's says "This reverts commit <id>.", as `git revert` writes it, of a commit that
///    came after `base`: the lines of that one are meant.
///
/// `base`: the commit that the branch started from, as recorded. When the target does not have it (the task
/// came after others that have not landed), what both have in common counts instead. `merged_tree` is what is
/// to land, however it was made: merge, squash or rebase; `made` has the objects of it that are in no
/// repository yet. Result: sorted by path, empty in nearly all cases, and at once where `base` is still what
/// target and task have in common. Errors: those of git. Cancellation: terminal; nothing is left behind.
/// Lifetime: borrows `repo`.
awaitable<result<std::vector<undone_lines>>> lines_undone(repository& repo, oid base, oid target_tip,
                                                          oid task_tip, oid merged_tree,
                                                          new_objects made = {});

} // namespace graftline::git
