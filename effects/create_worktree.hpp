/// The effect that gives a task a worktree and a branch of its own.
#pragma once

#include "graftline/effects/retry_policy.hpp"
#include "graftline/effects/run.hpp"

#include <boost/describe.hpp>

namespace graftline::effects {

struct tree {
    std::string path;
    std::string branch;
    std::string base; ///< commit that the branch started from
};
BOOST_DESCRIBE_STRUCT(tree, (), (path, branch, base))

/// Makes the task's worktree and branch from its base (which contains what the tasks that it comes after have
/// made), copies, links and sets up in it what the settings say, and records it as ready. A worktree that is
/// ready already is taken as it is; one that a crash left half made is made again; one whose folder is gone
/// comes back on its branch. Errors: not_found for a base that does not exist; exists; no_space;
/// command_failed for a set-up command. What was made is gone again then. Cancellation: terminal, with the
/// same roll-back.
struct create_worktree {
    static constexpr std::string_view kind = "create_worktree";
    static constexpr bool keeps_record = true;
    static constexpr retry_policy retries{3};
    using outcome = tree;

    std::string task;

    awaitable<result<tree>> carry_out(run& r) const;
};
BOOST_DESCRIBE_STRUCT(create_worktree, (), (task))

} // namespace graftline::effects
