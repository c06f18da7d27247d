/// Meeting other people's git processes, which do not know our lock.
#pragma once

#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/command.hpp"
#include "graftline/runtime/fault.hpp"

namespace graftline::git {

/// Runs a git command on worktree records, and again, up to 12 times within a few seconds, while it fails in
/// one of the ways in which git fails when it meets another git at the same records. Result: the last output.
/// Cancellation: terminal, between attempts: a command that runs ends first.
awaitable<result<command_output>> run_patiently(command git);

} // namespace graftline::git
