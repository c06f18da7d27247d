/// Worktrees that were removed, and are there again after a power cut.
#pragma once

#include "graftline/effects/store/project.hpp"

#include <memory>
#include <string>
#include <vector>

namespace graftline::effects {

/// Removes the worktrees of `tasks` that git has on record and the tasks have not: a power cut took their
/// removal along, or half of their making. Whatever was in one was safe before it was removed; what is in it
/// now is looked at all the same, and goes to a rescue ref if no other ref has it. The branch of a task that
/// is over goes too. Result: a sentence about each. Throws fault_error.
awaitable<std::vector<std::string>> remove_returned_worktrees(std::shared_ptr<project> in,
                                                              std::vector<task> tasks);

} // namespace graftline::effects
