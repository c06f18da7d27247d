/// Commands of ours that run in a worktree: gates, set-up steps, a person's shell.
#pragma once

#include "graftline/git/repository/environment.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/runtime/process/command.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::effects {

/// `words` in `checkout`: our environment without git's repository variables, GRAFTLINE_TASK_ID and
/// GRAFTLINE_WORKTREE beside it. `words` must not be empty.
command worktree_command(const git::repository& repo, const std::vector<std::string>& words,
                         const std::filesystem::path& checkout, const std::string& task);

/// What a process that works in the worktree starts with: its gits pass over what was put there beside the
/// checkout. Reads a few small files.
git::agent_environment_rules rules_in(const git::repository& repo, const std::filesystem::path& worktree);

} // namespace graftline::effects
