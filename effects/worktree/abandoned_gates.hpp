/// Gates whose run has died: nobody hears their verdict any more.
#pragma once

#include "graftline/effects/run/cleaned.hpp"
#include "graftline/effects/store/project.hpp"
#include "graftline/runtime/base/awaitable.hpp"

#include <string>
#include <vector>

namespace graftline::effects {

/// Ends the gates of dead runs with TERM, KILL after their grace, waits for their end, and removes the
/// worktrees that they were tested in, and scratch folders of dead processes. `resumed`: a run that has just
/// been taken over, whose gates nobody hears either. `dry_run` only tells. Result: what was removed, and what
/// was left with the reason. Usually reads one empty folder. Cancellation: terminal. Lifetime: borrows `in`.
awaitable<std::vector<cleaned>> clear_abandoned_gates(project& in, std::string resumed, bool dry_run);

} // namespace graftline::effects
