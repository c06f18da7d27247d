/// The effect that waits before an agent is asked again that was turned away for now.
#pragma once

#include "graftline/effects/effect_place.hpp"
#include "graftline/effects/run.hpp"

#include <boost/describe.hpp>

namespace graftline::effects {

struct backed_off {
    std::int64_t waited_ms = 0;
    bool cancelled = false; ///< the task was, meanwhile
};
BOOST_DESCRIBE_STRUCT(backed_off, (), (waited_ms, cancelled))

/// Waits longer the more attempts there were, up to a limit that doubles from `[run] backoff` to two minutes,
/// each for a time of its own: agents that were turned away together do not come back together. Cancellation:
/// terminal. Counts from when it first began: a run that is gone on with does not wait from the start again.
struct back_off {
    static constexpr std::string_view kind = "back_off";
    using outcome = backed_off;

    std::string task;
    int attempts = 1; ///< that were made
    std::string why;  ///< how the last one ended

    awaitable<result<backed_off>> carry_out(run& r, const effect_place& here) const;
};
BOOST_DESCRIBE_STRUCT(back_off, (), (task, attempts, why))

} // namespace graftline::effects
