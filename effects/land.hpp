/// The effect that puts a task's change on its target: merged without a checkout, tested, then moved to.
#pragma once

#include "graftline/effects/run.hpp"

#include <boost/describe.hpp>

namespace graftline::effects {

enum class verdict {
    merged,     ///< the target has it
    up_to_date, ///< the target had it already
    conflicted, ///< it does not merge cleanly; target untouched
    rejected,   ///< a gate failed on the merged tree; target untouched
    waiting     ///< the target's checkout is in the way; target untouched, to be landed later
};
BOOST_DESCRIBE_ENUM(verdict, merged, up_to_date, conflicted, rejected, waiting)

struct landing {
    verdict is = verdict::waiting;
    std::string commit;             ///< what is on the target now
    std::vector<std::string> paths; ///< conflicting, or in the way
    std::string why;                ///< a sentence for a person
    std::string log;                ///< of the gate that failed
    bool is_done() const noexcept { return is == verdict::merged || is == verdict::up_to_date; }
};
BOOST_DESCRIBE_STRUCT(landing, (), (is, commit, paths, why, log))

/// Lands the tip of the task's branch on its target and records the outcome in the task: merged, conflicted,
/// failed by a gate, or still completed with the reason that it waits for. Landings of one target take turns;
/// when somebody else moves the target meanwhile, it is merged and tested again on the new tip. The target
/// moves by compare-and-swap; a checked-out target follows without a switch, a stash or a merge state.
/// Errors: not_found for a target that does not exist; what git said. Cancellation: honoured before the
/// target moves.
struct land {
    static constexpr std::string_view kind = "land";
    using outcome = landing;

    std::string task;
    std::string target;
    land_mode mode = land_mode::merge;
    std::vector<std::vector<std::string>> gates;

    awaitable<result<landing>> carry_out(run& r) const;
};
BOOST_DESCRIBE_STRUCT(land, (), (task, target, mode, gates))

} // namespace graftline::effects
