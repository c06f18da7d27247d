/// The effect that records what an attempt at a task came to.
#pragma once

#include "graftline/effects/agent/run_agent.hpp"
#include "graftline/effects/run/run.hpp"

#include <boost/describe.hpp>

namespace graftline::effects {

struct settled {
    std::string state;           ///< that the task is in now
    bool left_elsewhere = false; ///< its agents left work that its branch does not contain
    bool is_completed() const { return state == to_string(task_state::completed); }
};
BOOST_DESCRIBE_STRUCT(settled, (), (state, left_elsewhere))

/// Endings beside those of agents.
inline constexpr std::string_view ending_undecided = "undecided"; ///< whether its work is fit, a person says
inline constexpr std::string_view ending_spent = "spent"; ///< its agent's quota is used up: it stays pending

/// Makes the task completed, or cancelled or failed as its agent ended. An effect, because what a program
/// decides by must be the same when it is gone on with; a task that has landed meanwhile stays so. What its
/// agents left beside its branch is looked for and recorded. Errors:
/// refused where the table of transitions has no such step. Cancellation: not honoured.
struct settle_task {
    static constexpr std::string_view kind = "settle_task";
    static constexpr bool keeps_record = true;
    using outcome = settled;

    std::string task;
    bool done = false;  ///< the agent did its work, and that is committed
    std::string reason; ///< for a person; may be empty
    std::string ending; ///< of the agent that did not: "cancelled" makes the task so

    awaitable<result<settled>> carry_out(run& r) const;
};
BOOST_DESCRIBE_STRUCT(settle_task, (), (task, done, reason, ending))

} // namespace graftline::effects
