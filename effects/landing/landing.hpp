/// What is to be put on a target, and what became of it.
#pragma once

#include "graftline/effects/tasks/task.hpp"
#include "graftline/git/repository/oid.hpp"

#include <boost/describe.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::effects {

/// Begins what the reflog says of a landing, before the ids of the tasks; the gits that move the target say
/// that they are for it.
inline constexpr std::string_view landing_note = "graftline: land";

enum class verdict {
    merged,     ///< the target has it
    up_to_date, ///< the target had it already
    conflicted, ///< it does not merge cleanly, or would undo what landed meanwhile; target untouched
    rejected,   ///< a gate failed on the merged tree; target untouched
    waiting     ///< the target's checkout is in the way; target untouched, to be landed later
};
BOOST_DESCRIBE_ENUM(verdict, merged, up_to_date, conflicted, rejected, waiting)

struct landing {
    verdict is = verdict::waiting;
    std::string commit;             ///< what is on the target now
    std::string onto;               ///< what the target was before, or the landing just before this one
    std::vector<std::string> paths; ///< conflicting, or in the way
    std::string why;                ///< a sentence for a person
    std::string log;                ///< of the gate that failed
    bool is_done() const noexcept { return is == verdict::merged || is == verdict::up_to_date; }
};
BOOST_DESCRIBE_STRUCT(landing, (), (is, commit, onto, paths, why, log))

/// One change on its way to a target.
class landing_request {
public:
    std::string task;
    std::string target; ///< short branch name
    land_mode mode = land_mode::merge;
    git::oid tip; ///< the work
    /// The change is the difference from here to `tip`, put on the target as one commit; without it, it is
    /// what `tip` has and the target has not, as `mode` says. For reverting, and for landing again what was
    /// reverted.
    std::optional<git::oid> from;
    git::oid started_at;      ///< what the work started from: what landed later must not be undone by it
    std::string message;      ///< of the commit that lands, where one is made
    bool keep_author = false; ///< that commit is by whoever made `tip`, not by the user
    bool reverts = false;     ///< it takes back what the task landed
    bool may_undo = false;    ///< lines that landed meanwhile may go: somebody means it
    bool may_forward = false; ///< the target may move to `tip` itself where that is possible
    std::vector<std::vector<std::string>> gates;
    bool test_again = false; ///< remembered verdicts of gates do not count
    int priority = 0;
    /// Makes what became of it the task's, when it is recorded.
    std::function<void(effects::task&, const landing&)> record;
};

} // namespace graftline::effects
