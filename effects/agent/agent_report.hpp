/// How an agent ended, and what it said of itself.
#pragma once

#include "graftline/effects/store/agent_files.hpp"
#include "graftline/effects/tasks/task.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include <boost/describe.hpp>

#include <cstdint>
#include <optional>
#include <string>

namespace graftline::agents {
class output_reader;
}

namespace graftline::effects {

struct agent_report {
    bool done = false;  ///< it says so: exit 0, no failure in what it printed, no decision against it
    std::string how;    ///< for a person: "exit status 3: no such file", "timed out after 30m"
    std::string ending; ///< exited, signaled, timed_out, cancelled, log_limit, could_not_start, lost
    std::optional<int> exit_code;
    std::optional<int> signal;
    std::string decision; ///< from its result file; may be empty
    std::string summary;
    std::optional<token_usage> usage;
    bool may_pass = false;     ///< it failed of what may be gone in a while: a rate limit, a lost connection
    bool begins_again = false; ///< not asked: what it was to go on with went when the machine went down
    bool is_spent = false;     ///< it failed of a quota or a credit that is used up
    bool is_undecided = false; ///< it was to decide, and left that to a person, or said nothing
    std::int64_t retry_after_ms = 0; ///< the service asks for that much patience; 0: it says nothing
    std::int64_t duration_ms = 0;    ///< from its start to its end
    std::string denied;              ///< what it was not allowed to do; may be empty
    std::string said;                ///< a stage's last message, for the one after it; may be empty
};
BOOST_DESCRIBE_STRUCT(agent_report, (),
                      (done, how, ending, exit_code, signal, decision, summary, usage, may_pass, begins_again,
                       is_spent, is_undecided, retry_after_ms, duration_ms, denied, said))

/// What is asked of an agent beside its work.
struct asked_of_agent {
    bool decides = false;  ///< whether the work is fit to go on: silence is no approval
    bool is_stage = false; ///< another may come after it
};

/// What an attempt that has ended came to: by its exit, by what its output says of itself, by its result
/// file. `said` has read its standard output to the end. Blocks for the moment that a few small files take.
agent_report report_of(const exit_record& ended, const agents::output_reader& said, const agent_files& files,
                       asked_of_agent asked);

} // namespace graftline::effects
