/// What belongs to another user of a shared repository: processes that we cannot end, files that we cannot
/// read.
#pragma once

#include "graftline/effects/store/project.hpp"
#include "graftline/effects/store/store.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace graftline::effects {

/// The name of the user to whom a file or folder belongs; nullopt when that is us, when we may do everything,
/// and when it is not there. Blocks for a look at the user database.
std::optional<std::string> other_owner_of(const std::filesystem::path& path);

/// Refuses, with whom to ask, to end what another user carries out for the task: its agent, or its landing.
/// Nothing has been changed then.
result<void> check_ours_to_end(const project& in, const task& t);

/// The same of going on with a run whose agents were another user's: what they decided cannot be read, and
/// their worktrees cannot be worked in. `tasks`: those that are to be gone on with.
result<void> check_ours_to_resume(const run_record& r, const std::vector<task>& tasks);

} // namespace graftline::effects
