/// Landings with gates: the queue's speculation beside one after the other.
#pragma once

#include "graftline/bench/table.hpp"

namespace graftline::bench {

/// 20 tasks that are ready, one of them bad, with a gate of a second.
awaitable<std::vector<row>> landing_queue();

} // namespace graftline::bench
