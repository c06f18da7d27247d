/// Which parents of worktrees we made, so that no empty folder of the user's is ever removed.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <filesystem>

namespace graftline::git {

/// Makes the parents of `path` that are missing and remembers them below `state_folder`. Call it under the
/// repository's lock. Errors: the system's.
result<void> make_parents(const std::filesystem::path& state_folder, const std::filesystem::path& path);

/// Removes those parents of `path` that `make_parents` made and that are empty by now. Call it under the
/// repository's lock. What cannot be removed stays.
void remove_made_parents(const std::filesystem::path& state_folder, const std::filesystem::path& path);

} // namespace graftline::git
