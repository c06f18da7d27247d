/// Tells of a strand that holds up the others.
#pragma once

#include "graftline/effects/run/run.hpp"

namespace graftline::effects {

/// Tells the run's observer, by the run's clock, when outcomes have waited for five seconds because a strand
/// awaits something that is neither an effect nor external. Once for each such time. Goes on until it is
/// cancelled: spawn it beside the run.
awaitable<void> watch_strands(run& r);

} // namespace graftline::effects
