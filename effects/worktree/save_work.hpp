/// What a task's agent made is kept when the agent does not go on.
#pragma once

#include "graftline/effects/run/run.hpp"

#include <string>
#include <vector>

namespace graftline::effects {

/// Ends what still runs of the task's present attempt, gracefully, and waits for that; nothing is success.
awaitable<result<void>> end_agent(const task& t);

/// Ends gracefully all that runs for the task, from any process: its agent, gates that test it, git, hooks
/// and set-up commands in its worktree, and gits that move its branch or land it, with the hooks and filters
/// that those wait for. Waits for their end.
awaitable<result<void>> end_all_of(const project& in, const task& t);

/// Ends the attempts in these folders gracefully, all at once, and waits for that: whoever ignores TERM is
/// waited for beside the others.
awaitable<result<void>> end_attempts(std::vector<std::filesystem::path> folders);

/// An agent that failed while the disk could not be written to has no outcome: whoever goes on with the run
/// starts it anew, after its state is saved. `folder`: that of the attempt, which has ended.
void forget_end(const std::filesystem::path& folder);

/// The same for the task's present attempt, if it ended by failing.
void forget_failed_end(const task& t);

/// Ends the task's agent, then puts everything in its worktree that no ref reaches under a rescue ref, which
/// the task names from then on. The worktree stays as it is. A task that another run has taken is left alone.
/// Call it shielded from cancellation.
awaitable<result<void>> save_work(run& r, std::string id);

/// The end of a run that was gone on with: agents that its earlier processes began for it and that its
/// program has not asked for again are ended, their work saved. What fails is noted.
awaitable<void> end_agents_left(run& r, std::vector<std::string> ids);

} // namespace graftline::effects
