/// Submodules in a new worktree.
#pragma once

#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/fault.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace graftline::git {

class repository;

/// Populates the submodules of the work tree at `folder` that the repository has fetched: cloned from its own
/// copies, no network, no change to its configuration. What the user has not initialised stays empty, as it
/// is for them. `notice` hears which submodule could not be populated: that is no error. Borrows `repo`.
/// Cancellation: terminal.
awaitable<result<void>> populate_submodules(repository& repo, std::filesystem::path folder,
                                            std::function<void(std::string)> notice);

} // namespace graftline::git
