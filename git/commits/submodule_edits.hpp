/// Uncommitted work in submodules, as far as it can be known without running anything that they name.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// The submodules, by their path in the work tree at `folder`, in which something may lie that is not
/// committed there: a new file, or one that was written since git last looked at it. Whether that one really
/// differs could only be said by the submodule's filters, which are not run. Errors: git's. Borrows `repo`.
/// Cancellation: terminal.
awaitable<result<std::vector<std::string>>> submodules_that_may_have_edits(repository& repo,
                                                                           std::filesystem::path folder);

} // namespace graftline::git
