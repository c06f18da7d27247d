/// Names of commits: reading them, and moving them by compare-and-swap.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {

class repository;

// All of these borrow the repository until they end. Cancellation is terminal; a ref has then moved or has
// not.

/// The commit that `rev` means, in git's own syntax. HEAD is that of the worktree that we were started in.
/// Errors: not_found, naming `rev`; an empty repository is said to be one.
awaitable<result<oid>> resolve(repository& repo, std::string rev);

/// The tree of a commit. Errors: not_found.
awaitable<result<oid>> tree_of(repository& repo, oid commit);

/// What the ref of this full name ("refs/heads/main", "HEAD") holds, symbolic refs followed; nullopt if there
/// is none.
awaitable<result<std::optional<oid>>> read_ref(repository& repo, std::string fullname);

/// Moves or makes a ref. `expected`: what it must hold; the null id: it must not exist; nullopt: whatever it
/// holds. Starts no process for a plain ref with an expected value. Errors: moved, when it holds something
/// else; nothing has changed then.
awaitable<result<void>> update_ref(repository& repo, std::string fullname, oid to,
                                   std::optional<oid> expected, std::string reflog_message);

/// When git's words `said` tell that a hook refused to let `fullname` move: that, with the hook's own last
/// line. Nullopt: it was something else.
std::optional<std::string> refusal_of_hook(std::string_view said, std::string_view fullname);

/// Deletes a ref that holds `expected`, the ref itself where it is symbolic. Starts no process for a plain
/// one. Errors: moved, when it holds something else or is gone.
awaitable<result<void>> delete_ref(repository& repo, std::string fullname, oid expected);

/// The branch that is checked out in the worktree that we were started in ("main"), also before its first
/// commit; nullopt when HEAD is detached there.
awaitable<result<std::optional<std::string>>> head_branch(repository& repo);

/// Is `ancestor` the same commit as `descendant`, or in its history?
awaitable<result<bool>> is_ancestor(repository& repo, oid ancestor, oid descendant);

/// The best common ancestors of two commits, sorted; none when their histories are unrelated.
awaitable<result<std::vector<oid>>> merge_bases(repository& repo, oid one, oid other);

/// `wanted`, or the nearest name that no branch has or is in the way of: "task/x" beside a branch "task"
/// gives "task-x", a second "fix" gives "fix-2". Somebody may take it meanwhile: making the branch tells.
awaitable<result<std::string>> free_branch_name(repository& repo, std::string wanted);

} // namespace graftline::git
