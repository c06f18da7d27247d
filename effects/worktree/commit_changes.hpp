/// The effect that turns what an agent left in its worktree into commits on the task's branch.
#pragma once

#include "graftline/effects/run/retry_policy.hpp"
#include "graftline/effects/run/run.hpp"

#include <boost/describe.hpp>

#include <cstdint>

namespace graftline::effects {

/// What a task made.
struct change {
    std::string tip;                ///< of the task's branch; empty when it has no commit of its own
    std::vector<std::string> files; ///< paths changed against the base, sorted
    bool worktree_gone = false;     ///< what was not committed in it is not in the change
    std::string doubt;              ///< why a person must look before it lands; empty: no reason
    bool begins_again = false;      ///< the machine went down before it was on the disk: nothing is left
    std::int64_t duration_ms = 0;
};
BOOST_DESCRIBE_STRUCT(change, (), (tip, files, worktree_gone, doubt, begins_again, duration_ms))

/// Commits everything that lies in the worktree, after bringing HEAD home where the agent left it elsewhere:
/// detached, or on a branch of its own, as long as that contains the task's branch. A worktree that was moved
/// is found by its branch, which comes back where it was when somebody has deleted it. Records tip and files
/// in the task. Errors: refused when HEAD does not contain the task's branch or a merge or rebase is under
/// way there, and for what must not land (git::check_committed); not_found when the worktree is gone and the
/// branch has nothing; command_failed with a hook's words; timed_out when a hook, a filter or a signer takes
/// longer than the task, or one git, may. Nothing is lost then: the worktree stays as it is. Cancellation:
/// terminal; git and the hook that it waits for are ended. The next time it finds what was committed, or
/// commits it.
struct commit_changes {
    static constexpr std::string_view kind = "commit_changes";
    static constexpr bool keeps_record = true;
    static constexpr retry_policy retries{5};
    using outcome = change;

    std::string task;
    std::string message; ///< empty: made from the task
    std::string type = "feat";
    std::string scope;
    std::int64_t left_ms = 0; ///< of the task's time; 0: it has no limit

    awaitable<result<change>> carry_out(run& r) const;
};
BOOST_DESCRIBE_STRUCT(commit_changes, (), (task, message, type, scope, left_ms))

} // namespace graftline::effects
