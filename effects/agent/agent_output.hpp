/// What an agent prints, on its way to whoever watches, and afterwards to the agent that comes next.
#pragma once

#include "graftline/agents/agent/output_reader.hpp"
#include "graftline/effects/run/run.hpp"
#include "graftline/runtime/files/follow.hpp"

#include <chrono>
#include <string>

namespace graftline::effects {

/// Hands an agent's output to the watcher, line by line, until the file ends; `heard_at` is when there was
/// something last. Of plain output that comes faster than anybody reads the latest is shown, at the same cost
/// whatever there is; the log has it all. Cancellation: terminal. What it is given outlives it.
awaitable<void> follow_output(run& r, std::string task, follower& file, agents::output_reader& reader,
                              std::chrono::steady_clock::time_point& heard_at);

/// What an agent is told of the attempt before this one, in words: its log, in `format`, is for programs.
/// Empty when there was none.
std::string earlier_attempt(const task& t, agents::output_format format);

} // namespace graftline::effects
