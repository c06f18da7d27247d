/// Work that lies where no landing takes it: on another branch, a tag, the stash, in another worktree. And
/// what was there before an agent began, and is not any more.
#pragma once

#include "graftline/git/refs/shared_state.hpp"
#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// Where some of it lies.
struct left_work {
    std::string where;   ///< for a person: "branch NAME", "tag NAME", "the stash", "worktree PATH"
    std::string commit;  ///< its id; of a worktree with uncommitted changes, HEAD's
    std::string about;   ///< the commit's subject, the stash entry's message
    std::int64_t at = 0; ///< when it came there, in seconds since 1970; 0: git has not noted it
    bool operator==(const left_work&) const = default;
};
BOOST_DESCRIBE_STRUCT(left_work, (), (where, commit, about, at))

/// What is known to have been made in the linked worktree of ours at `worktree`, on whose branch (a short
/// name) it is not: by the reflog of its HEAD, which says what was committed there, and by stash entries that
/// name its branch, or one that was checked out there and is in no other worktree. Entries older than
/// `since` (seconds since 1970) are others'. Commits that no ref reaches count only with
/// `unreached`. Reads two small files where nothing was left. Errors: the system's. Cancellation: terminal.
/// Lifetime: borrows `repo`.
awaitable<result<std::vector<left_work>>> left_by(repository& repo, std::filesystem::path worktree,
                                                  std::string branch, std::int64_t since, bool unreached);

/// What was there before, is on no ref any more, and lies below a rescue ref now.
struct lost_work {
    std::string what;    ///< for a person: "stash entry", "branch NAME", "tag NAME"
    std::string commit;  ///< its id; of a tag what the tag held
    std::string about;   ///< the stash entry's message, or what became of it
    std::string rescue;  ///< the ref that keeps it
    std::string command; ///< that brings it back
};
BOOST_DESCRIBE_STRUCT(lost_work, (), (what, commit, about, rescue, command))

/// Names of refs, and git folders of worktrees, of which all is known already.
struct known_changes {
    std::function<bool(const std::string& fullname)> is_ours; ///< a task's branch
    std::function<bool(const std::string& fullname)>
        is_target; ///< landings move it: what it gained is told apart
};

/// What has come into the repository since `before`, holds commits or changes that nothing else does, and was
/// not made in a worktree of the user's.
awaitable<result<std::vector<left_work>>> appeared_since(repository& repo, const shared_state& before,
                                                         const shared_state& now, known_changes known);

/// What was there `before`, and no ref reaches now: it is put below refs/graftline/rescue/<label>/. Branches
/// that their user has moved in a worktree of theirs are left out. Errors: what keeps something from being
/// saved.
awaitable<result<std::vector<lost_work>>> keep_what_is_gone(repository& repo, const shared_state& before,
                                                            const shared_state& now, std::string label,
                                                            known_changes known);

} // namespace graftline::git
