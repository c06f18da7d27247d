/// Meeting other people's git processes, which do not know our lock, and a system that kills ours.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/command.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {

/// Runs a git command on worktree records, and again, up to 12 times within a few seconds, while it fails in
/// one of the ways in which git fails when it meets another git at the same records. Result: the last output.
/// Cancellation: terminal, between attempts: a command that runs ends first.
awaitable<result<command_output>> run_patiently(command git);

/// Did SIGKILL end it? That is sent by the system when memory runs out, and by us only at the very end. One
/// whose time was over does not count: the next one would take as long.
bool was_killed(const command_output& output);

/// Did a signal end it, whichever, or us, because its time was over? It may have done all that it was to do,
/// or half.
bool was_ended(const command_output& output);

/// Runs a git command. One that only reads is run again when it was killed, twice at most within two seconds;
/// one that changes something is for its effect to do again, which knows what it may have left. Result: the
/// last output. Cancellation: that of `run`.
awaitable<result<command_output>> run_git(command git);

/// What a git command is about: its first word that is no option; empty without one.
std::string_view subcommand_of(const std::vector<std::string>& words);

} // namespace graftline::git
