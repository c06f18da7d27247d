/// Commands of ours that run in a worktree: gates, set-up steps, a person's shell.
#pragma once

#include "graftline/runtime/command.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::effects {

/// `words` in `checkout`: our environment without git's repository variables, GRAFTLINE_TASK_ID and
/// GRAFTLINE_WORKTREE beside it. `words` must not be empty.
command worktree_command(const std::vector<std::string>& words, const std::filesystem::path& checkout,
                         const std::string& task);

} // namespace graftline::effects
