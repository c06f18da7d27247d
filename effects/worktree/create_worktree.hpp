/// The effect that gives a task a worktree and a branch of its own.
#pragma once

#include "graftline/effects/run/retry_policy.hpp"
#include "graftline/effects/run/run.hpp"

#include <boost/describe.hpp>

#include <cstdint>

namespace graftline::effects {

struct tree {
    std::string path;
    std::string branch;
    std::string base; ///< commit that the branch started from
    std::int64_t duration_ms = 0;
};
BOOST_DESCRIBE_STRUCT(tree, (), (path, branch, base, duration_ms))

/// Makes the task's worktree and branch from its base (which contains what the tasks that it comes after have
/// made), copies, links and sets up in it what the settings say, and records it as ready. A worktree that is
/// ready already is taken as it is; one that a crash left half made is made again; one whose folder is gone
/// comes back on its branch. Errors: not_found for a base that does not exist; exists; no_space;
/// command_failed for a set-up command; timed_out when a hook, a filter or a set-up command takes longer than
/// the task, or one command, may. What was made is gone again then. Cancellation: terminal, with the
/// same roll-back.
struct create_worktree {
    static constexpr std::string_view kind = "create_worktree";
    static constexpr bool keeps_record = true;
    static constexpr retry_policy retries{3};
    using outcome = tree;

    std::string task;
    std::int64_t left_ms = 0; ///< of the task's time; 0: it has no limit

    awaitable<result<tree>> carry_out(run& r) const;
};
BOOST_DESCRIBE_STRUCT(create_worktree, (), (task, left_ms))

} // namespace graftline::effects
