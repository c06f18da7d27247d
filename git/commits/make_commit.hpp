/// Commits of a tree that was made without a worktree.
#pragma once

#include "graftline/git/objects/new_objects.hpp"
#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace graftline::git {

class repository;

/// Whose name a commit of ours bears as its author. The committer is always the user, or our own identity
/// where git knows none.
class commit_author {
public:
    commit_author() = default; ///< the committer
    static commit_author copy_of(oid commit)
    {
        return commit_author(std::move(commit));
    } ///< author and date of it
    const std::optional<oid>& source() const noexcept { return source_; }

private:
    explicit commit_author(oid commit) : source_(std::move(commit)) {}
    std::optional<oid> source_;
};

/// Makes the commit that `git commit-tree -F -` would write, byte for byte, and adds it to `into`; nothing is
/// written into the repository. Tree and parents lie there or in `into`. No hook runs. It starts no process
/// unless the commit is to be signed, has an encoding of its own, or the repository is one that libgit2 does
/// not read; git then writes into the folder of `into`, which is made if there is none. Errors:
/// command_failed with git's words, also when tree or parents are missing. Cancellation: as for a command;
/// `into` may have got its folder. Lifetime: borrows `repo` and `into` until completion.
awaitable<result<oid>> make_commit(repository& repo, oid tree, std::vector<oid> parents, std::string message,
                                   commit_author author_of, new_objects& into);

/// The same, written into the repository, loose: nothing protects it there until a ref reaches it.
awaitable<result<oid>> commit_tree(repository& repo, oid tree, std::vector<oid> parents, std::string message,
                                   commit_author author_of = {});

} // namespace graftline::git
