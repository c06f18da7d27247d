/// Gates: commands that must pass on a merged tree before the target moves.
#pragma once

#include "graftline/effects/landing/candidate.hpp"
#include "graftline/effects/run/run.hpp"

#include <optional>

namespace graftline::effects {

/// A gate that did not pass.
struct gate_failure {
    std::string command;
    std::string how; ///< "exit status 2"
    std::string log; ///< file with everything that it printed
};

/// Runs `gates` on the candidate's tree one after the other, stopping at the first that fails, each for as
/// long as `[gate] timeout` allows, else the task's timeout, else two hours. Those that have a verdict on
/// this tree already are not run again, unless `again`; the others run in a scratch worktree, furnished as
/// the tasks' own are, which is gone afterwards, whatever happened. Result: the gate that failed, or nullopt
/// when all passed. Errors: when the worktree could not be made, or a gate's program could not be started.
/// Cancellation: terminal; the gate's whole tree of processes is ended first.
awaitable<result<std::optional<gate_failure>>>
run_gates(run& r, std::string task, candidate what, std::vector<std::vector<std::string>> gates, bool again);

} // namespace graftline::effects
