/// Which versions of the known agents are installed: what they print and take changes with them.
#pragma once

#include "graftline/agents/config/settings.hpp"
#include "graftline/cli/render/checkup.hpp"
#include "graftline/runtime/base/awaitable.hpp"

#include <vector>

namespace graftline::cli {

/// Adds its version to the finding of each preset that is installed and that `settings` leave as it is: a
/// program that a repository names is not run. An agent that does not answer in ten seconds is left without.
awaitable<void> tell_versions(std::vector<finding>& of_agents, const agents::settings& settings);

} // namespace graftline::cli
