/// The heart: what carrying one task out means, as a coroutine over effects.
#pragma once

#include "graftline/effects/agent/run_agent.hpp"
#include "graftline/effects/landing/land.hpp"
#include "graftline/effects/run/context.hpp"
#include "graftline/runtime/async/semaphore.hpp"

namespace graftline::effects {

/// Of what runs of the programs `run` and `retry` ask for. One is added when a body asks for something else
/// than before, and the body goes by the revision that its run has on record.
inline constexpr int program_revision = 3;

/// Carries a running task out: worktree, agent or stages, commit, landing where the task asks for it, removal
/// of what is done with. Ends with the task in the state that this leads to. `spec` is what was asked for:
/// the store is not asked, since a run that is gone on with would find the task as it is then. `place` is the
/// task's place among the running ones; it is given back when the agent has ended, so that committing and
/// landing hold up no other; an agent that resolves a conflict takes another of `places`. Throws interrupted,
/// cancelled, or fault_error for what the task fails of.
awaitable<void> run_task(context& ctx, std::string id, task_spec spec, semaphore& places,
                         semaphore::lease place);

} // namespace graftline::effects
