/// Commands of ours that outlived the process that ran them, or that somebody else is to end.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace graftline {

class command;

/// The environment of a command that we run, with a mark by which it is known to be ours, whatever becomes of
/// us: GRAFTLINE_COMMAND_OF.
std::vector<std::string> marked_environment(const command& what);

/// The name in a command's environment under which it says what it is for: a ref's full name, or any words
/// that whoever wants it ended knows.
inline constexpr const char* purpose_name = "GRAFTLINE_COMMAND_FOR";

/// Ends what dead processes of this kind left running: git, its hooks, set-up commands. TERM, and KILL to
/// what still runs after `grace`; waits for their end, which blocks. What has made itself a session of its
/// own is a service that was meant to stay. Result: how many processes there were. Errors: busy when some do
/// not even end by KILL.
result<std::size_t> end_commands_of_the_dead(std::chrono::milliseconds grace);

/// Does any of them run? Blocks for a look at all processes.
bool commands_of_the_dead_run();

/// The same for commands that were started in `folder` or below it, by whoever, living or dead.
result<std::size_t> end_commands_in(const std::filesystem::path& folder, std::chrono::milliseconds grace);

/// The same for commands that say that they are for something which `is_meant` accepts, by whoever.
result<std::size_t> end_commands_for(const std::function<bool(const std::string& purpose)>& is_meant,
                                     std::chrono::milliseconds grace);

} // namespace graftline
