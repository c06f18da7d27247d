/// Gates: commands that must pass on a merged tree before the target moves.
#pragma once

#include "graftline/effects/run.hpp"
#include "graftline/git/oid.hpp"

#include <optional>

namespace graftline::effects {

/// A gate that did not pass.
struct gate_failure {
    std::string command;
    std::string how; ///< "exit status 2"
    std::string log; ///< file with everything that it printed
};

/// Checks `merged` out in a scratch worktree and runs `gates` there one after the other, stopping at the
/// first that fails, each under the task's timeout. Result: that one, or nullopt when all passed. The scratch
/// worktree is gone afterwards, whatever happened. Errors: when the worktree could not be made, or a gate's
/// program could not be started. Cancellation: terminal; the gate's whole tree of processes is ended first.
awaitable<result<std::optional<gate_failure>>> run_gates(run& r, std::string task, git::oid merged,
                                                         std::vector<std::vector<std::string>> gates);

} // namespace graftline::effects
