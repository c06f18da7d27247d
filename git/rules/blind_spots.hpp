/// Flags in an index by which git does not look at a file: assume-unchanged and skip-worktree. An agent, or
/// one of its tools, may have set them, and what it edits then would be neither committed nor saved.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/command.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace graftline::git {

/// Are there such flags in the index, or links to other repositories, behind which git does not look either?
/// True too for an index that is out of the ordinary. Blocks.
bool has_blind_spots(const std::filesystem::path& index_file);

/// Clears them; what a sparse checkout left out stays left out. `git`: gives a git with these words on the
/// index. `top`: of the work tree. Errors: git's. Borrows `git`.
awaitable<result<void>> clear_blind_spots(const std::function<command(std::vector<std::string>)>& git,
                                          std::filesystem::path top);

} // namespace graftline::git
