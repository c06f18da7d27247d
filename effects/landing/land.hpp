/// The effect that puts a task's change on its target: merged without a checkout, tested, then moved to.
#pragma once

#include "graftline/effects/landing/landing.hpp"
#include "graftline/effects/landing/landing_target.hpp"
#include "graftline/effects/run/retry_policy.hpp"
#include "graftline/effects/run/run.hpp"

#include <boost/describe.hpp>

namespace graftline::effects {

/// Lands the tip of the task's branch on its target and records the outcome in the task: merged, conflicted,
/// failed by a gate, or still completed with the reason that it waits for. What was undone before is put on
/// the target anew. Landings of one target take turns in its queue; when somebody else moves the target
/// meanwhile, it is merged and tested again on the new tip. The target moves by compare-and-swap; a
/// checked-out target follows without a switch, a stash or a merge state. A task that has landed already, as
/// a crash may leave it, is only said to have. Errors: not_found for a target that does not exist; what git
/// said. Cancellation: honoured before the target moves.
struct land {
    static constexpr std::string_view kind = "land";
    static constexpr bool keeps_record = true;
    static constexpr retry_policy retries{5};
    using outcome = landing;

    std::string task;
    landing_target target;
    land_mode mode = land_mode::merge;
    std::vector<std::vector<std::string>> gates;
    bool may_undo = false;   ///< lines that landed since the task began may go
    bool test_again = false; ///< remembered verdicts of gates do not count

    awaitable<result<landing>> carry_out(run& r) const;
};
BOOST_DESCRIBE_STRUCT(land, (), (task, target, mode, gates, may_undo, test_again))

/// Takes back what a task landed, as a new commit on its target, through the same queue and gates. The task
/// is completed again and may be landed anew. Errors: refused for a task that has not landed; what git said.
/// Cancellation: as for `land`.
struct undo {
    static constexpr std::string_view kind = "undo";
    static constexpr bool keeps_record = true;
    static constexpr retry_policy retries{5};
    using outcome = landing;

    std::string task;
    std::vector<std::vector<std::string>> gates;

    awaitable<result<landing>> carry_out(run& r) const;
};
BOOST_DESCRIBE_STRUCT(undo, (), (task, gates))

/// A landing was on the target when graftline died, and somebody took it off again before it was recorded. It
/// is theirs to say whether it comes back: `graftline land`, not a run that is gone on with.
bool was_taken_off(const task& t);
landing taken_off(const std::string& task, const std::string& commit, const std::string& target);

/// What a landing means for its task; the same when it is found out after a crash.
void record_landing(task& now, const landing& l, const std::string& target);
void record_undo(task& now, const landing& l);

} // namespace graftline::effects
