/// Files of a checkout that followed a landing, looked at after a power cut.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <vector>

namespace graftline::git {

class repository;

/// Puts landed files back that a cut left empty, filled with NULs or gone, in the checkouts that followed a
/// landing of late: those of which index and HEAD have the landed contents, so that nobody has staged
/// anything else. Anything else is left alone. Result: the files. Errors: git's, the system's. Lifetime:
/// borrows `repo`.
awaitable<result<std::vector<std::filesystem::path>>> restore_landed_files(repository& repo);

} // namespace graftline::git
