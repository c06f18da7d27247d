/// Git only warns of what it could not read, and exits with 0.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/command.hpp"

#include <string>

namespace graftline::git {

/// As repository::answer, for a git that looks through a work tree: what it has passed over is a fault
/// (refused, with git's words), though it exits with 0.
awaitable<result<std::string>> whole_answer(command prepared);

} // namespace graftline::git
