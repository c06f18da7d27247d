/// Commits of a tree that was made without a worktree.
#pragma once

#include "graftline/git/commit.hpp"
#include "graftline/git/new_objects.hpp"
#include "graftline/git/oid.hpp"
#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/fault.hpp"

#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// Makes the commit that `git commit-tree -F -` would write, byte for byte, and adds it to `into`; nothing is
/// written into the repository. Tree and parents lie there or in `into`. Author and committer are as for
/// `commit_tree`. No hook runs. It starts no process unless the commit is to be signed, has an encoding of
/// its own, or the repository is one that libgit2 does not read; git then writes into the folder of `into`,
/// which is made if there is none. Errors: command_failed with git's words, also when tree or parents are
/// missing. Cancellation: as for a command; `into` may have got its folder. Lifetime: borrows `repo` and
/// `into` until completion.
awaitable<result<oid>> make_commit(repository& repo, oid tree, std::vector<oid> parents, std::string message,
                                   commit_author author_of, new_objects& into);

} // namespace graftline::git
