/// The effects that give a conflict back to an agent: a fresh worktree on the target, the earlier change in
/// it.
#pragma once

#include "graftline/effects/landing/landing.hpp"
#include "graftline/effects/run/run.hpp"

#include <boost/describe.hpp>

namespace graftline::effects {

/// What the task had made, from where it had started.
struct earlier_change {
    std::string base;
    std::string commit;
};
BOOST_DESCRIBE_STRUCT(earlier_change, (), (base, commit))

/// Takes a conflicted task's worktree and branch away, after its work is safe in a rescue ref, and makes it
/// running again, to start from the tip of its target. Errors: whatever could not be saved keeps everything.
/// Cancellation: not honoured.
struct start_over {
    static constexpr std::string_view kind = "start_over";
    using outcome = earlier_change;

    std::string task;

    awaitable<result<earlier_change>> carry_out(run& r) const;
};
BOOST_DESCRIBE_STRUCT(start_over, (), (task))

struct brought_change {
    std::vector<std::string> conflicts; ///< files with both versions between conflict markers, or one of two
};
BOOST_DESCRIBE_STRUCT(brought_change, (), (conflicts))

/// Puts an earlier change into the task's fresh worktree, uncommitted; where it conflicts, both versions
/// stand there between conflict markers. What lies there already, after a crash, is rescued first. Errors:
/// what git said. Cancellation: terminal.
struct bring_change {
    static constexpr std::string_view kind = "bring_change";
    using outcome = brought_change;

    std::string task;
    earlier_change what;

    awaitable<result<brought_change>> carry_out(run& r) const;
};
BOOST_DESCRIBE_STRUCT(bring_change, (), (task, what))

struct markers_checked {
    std::int64_t files = 0;
};
BOOST_DESCRIBE_STRUCT(markers_checked, (), (files))

/// Refuses work in which conflict markers still stand: an agent may say that it is done too early. Errors:
/// refused, naming the file; the worktree stays as it is.
struct check_markers {
    static constexpr std::string_view kind = "check_markers";
    using outcome = markers_checked;

    std::string task;
    std::vector<std::string> paths;

    awaitable<result<markers_checked>> carry_out(run& r) const;
};
BOOST_DESCRIBE_STRUCT(check_markers, (), (task, paths))

/// What the agent is told of it.
std::string feedback_on(const landing& conflict, const brought_change& brought, const std::string& target);

} // namespace graftline::effects
