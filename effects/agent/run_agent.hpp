/// The effect that runs a task's agent, or one of its stages, in its worktree.
#pragma once

#include "graftline/effects/agent/agent_report.hpp"
#include "graftline/effects/run/effect_place.hpp"
#include "graftline/effects/run/run.hpp"

#include <boost/describe.hpp>

namespace graftline::effects {

/// Starts the agent under a supervisor and waits for its end and that of everything it started; its output is
/// followed for the watcher. Records attempt, log, exit and usage in the task. Errors: invalid for an unknown
/// agent or a prompt that does not fit; no_space; what the system said. An agent that fails, or cannot be
/// started, is a report, not an error. Cancellation: terminal; the agent gets TERM, and KILL after the task's
/// grace, and is waited for. Carried out again after a crash: an agent that lives is adopted, one that has
/// ended is reported on; one that went without a record is lost, its worktree's state is put under a rescue
/// ref and it starts anew there, at most three times. What it made is on the disk when it is committed, not
/// before: when the machine goes down until then, its worktree is set aside, and an agent that is to go on
/// with an earlier one's work is not asked.
struct run_agent {
    static constexpr std::string_view kind = "run_agent";
    static constexpr bool keeps_record = true;
    using outcome = agent_report;

    std::string task;
    std::string stage;         ///< name of the stage; empty when the task has none
    std::string agent;         ///< the stage's agent; empty: the task's
    std::string feedback;      ///< what an earlier attempt or stage had to say; empty: none
    std::string prompt{};      ///< the stage's own, placeholders not yet filled; empty: the task's
    std::int64_t spent_ms = 0; ///< what the task's agents have taken of its time before
    bool decides = false;      ///< it is to say whether the work is fit; silence is no approval

    awaitable<result<agent_report>> carry_out(run& r, const effect_place& here) const;
};
BOOST_DESCRIBE_STRUCT(run_agent, (), (task, stage, agent, feedback, prompt, spent_ms, decides))

} // namespace graftline::effects
