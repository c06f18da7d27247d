/// What agents, gates and set-up commands find in their environment.
#pragma once

#include "graftline/effects/task.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::effects {

/// The environment of a command of ours in `checkout`: what we were started with, without git's repository variables.
std::vector<std::string> gate_environment(const std::filesystem::path& checkout, const std::string& task);

/// Our own environment as "NAME=value" strings.
std::vector<std::string> own_environment();

} // namespace graftline::effects
