/// What a fresh worktree gets beside its checkout: copied and linked files, set-up commands.
#pragma once

#include "graftline/effects/run/run.hpp"

namespace graftline::effects {

/// Copies `worktree.copy` from the main work tree (never over a file that the checkout brought), links
/// `worktree.link`, and runs the `worktree.setup` commands one after the other in `worktree`. What is copied
/// and linked is kept out of the worktree's commits unless git tracks it. Errors: a set-up command that
/// fails, with its last words; timed_out for one that takes longer than the settings, or else its task,
/// allow; the system's. The caller removes the worktree then. Cancellation: terminal.
awaitable<result<void>> furnish(run& r, std::filesystem::path worktree, std::string task);

} // namespace graftline::effects
