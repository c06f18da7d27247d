/// The heart: what carrying one task out means, as a coroutine over effects.
#pragma once

#include "graftline/effects/context.hpp"
#include "graftline/effects/land.hpp"
#include "graftline/effects/run_agent.hpp"
#include "graftline/runtime/semaphore.hpp"

namespace graftline::effects {

/// Carries a running task out: worktree, agent or stages, commit, landing where the task asks for it, removal
/// of what is done with. Ends with the task in the state that this leads to. `place` is the task's place
/// among the running ones; it is given back when the agent has ended, so that committing and landing hold up
/// no other; an agent that resolves a conflict takes another of `places`. Throws interrupted, cancelled, or
/// fault_error for what the task fails of.
awaitable<void> run_task(context& ctx, std::string id, semaphore& places, semaphore::lease place);

/// Records that a task failed of `why`.
awaitable<void> record_failure(run& r, std::string id, fault why);

} // namespace graftline::effects
