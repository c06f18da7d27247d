/// The effect that removes a task's worktree and branch, after everything in them is safe.
#pragma once

#include "graftline/effects/run/retry_policy.hpp"
#include "graftline/effects/run/run.hpp"

#include <boost/describe.hpp>

namespace graftline::effects {

struct removal {
    std::vector<std::string>
        rescues;                 ///< refs that hold what nothing else reached; empty when there was nothing
    bool branch_deleted = false; ///< false: it is in use somewhere or has moved, and stays
};
BOOST_DESCRIBE_STRUCT(removal, (), (rescues, branch_deleted))

/// Rescues what no ref reaches, ends what still runs there, removes the worktree, and deletes the branch once
/// its tip is reachable from the target or from a rescue. Does nothing for what is gone already. Records it
/// in the task. Errors: anything that could not be saved keeps the worktree. Cancellation: not honoured.
struct remove_worktree {
    static constexpr std::string_view kind = "remove_worktree";
    static constexpr bool keeps_record = true;
    static constexpr retry_policy retries{5};
    using outcome = removal;

    std::string task;
    bool keep_branch = false;

    awaitable<result<removal>> carry_out(run& r) const;
};
BOOST_DESCRIBE_STRUCT(remove_worktree, (), (task, keep_branch))

/// Saves what no ref reaches of the task's worktree, whether its folder is there or not, then removes folder
/// and record. Result: the refs that hold it. Errors: anything that could not be saved keeps the worktree.
/// Call it shielded from cancellation.
awaitable<result<std::vector<std::string>>> save_and_remove_folder(run& r, const task& t);

} // namespace graftline::effects
