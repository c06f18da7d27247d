/// Completion scripts, made from what the commands are.
#pragma once

#include "graftline/cli/arguments/arguments.hpp"

#include <string>
#include <vector>

namespace graftline::cli {

/// `shell` is bash, zsh or fish.
std::string completion_script(const std::string& shell, const std::vector<command_description>& commands);

} // namespace graftline::cli
