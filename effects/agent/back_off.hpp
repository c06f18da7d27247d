/// The effect that waits before an agent is asked again that was turned away for now.
#pragma once

#include "graftline/effects/run/effect_place.hpp"
#include "graftline/effects/run/run.hpp"

#include <boost/describe.hpp>

namespace graftline::effects {

struct backed_off {
    std::int64_t waited_ms = 0;
    bool cancelled = false;   ///< the task was, meanwhile
    bool out_of_time = false; ///< the task's time would have been over: nothing was waited for
};
BOOST_DESCRIBE_STRUCT(backed_off, (), (waited_ms, cancelled, out_of_time))

/// Waits longer the more attempts there were, up to a limit that doubles from `[run] backoff` to two minutes,
/// each for a time of its own: agents that were turned away together do not come back together. Longer where
/// the service asks for it, and where another agent of the same name is turned away meanwhile. Cancellation:
/// terminal. Counts from when it first began: a run that is gone on with does not wait from the start again.
struct back_off {
    static constexpr std::string_view kind = "back_off";
    using outcome = backed_off;

    std::string task;
    int attempts = 1;                ///< that were made
    std::string why;                 ///< how the last one ended
    std::string agent{};             ///< name of what is waited for
    std::int64_t retry_after_ms = 0; ///< what the service asked for; 0: nothing
    std::int64_t time_left_ms = 0;   ///< of the task's; 0: there is no limit

    awaitable<result<backed_off>> carry_out(run& r, const effect_place& here) const;
};
BOOST_DESCRIBE_STRUCT(back_off, (), (task, attempts, why, agent, retry_after_ms, time_left_ms))

} // namespace graftline::effects
