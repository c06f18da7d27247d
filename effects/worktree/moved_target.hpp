/// Targets that an agent, or a person, moved under a checkout while a run went on.
#pragma once

#include "graftline/effects/run/run.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace graftline::effects {

/// Says which checkouts of the tasks' targets still have the files of before, and how to bring them along.
/// What cannot be looked at is left. Throws what the store throws.
awaitable<void> say_left_behind(run& r, std::vector<std::string> ids,
                                std::chrono::system_clock::time_point since);

} // namespace graftline::effects
