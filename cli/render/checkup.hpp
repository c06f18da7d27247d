/// Looking at the machine and the repository: is everything here that is needed?
#pragma once

#include "graftline/effects/store/project.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::cli {

enum class health { fine, lacking, broken }; ///< lacking: works without it, in a lesser way

struct finding {
    health is = health::fine;
    std::string what;
    std::string detail;
};

/// What the machine offers: cgroups, pidfd, inotify.
std::vector<finding> check_machine();
/// Which of the preset and configured agents can be started.
std::vector<finding> check_agents(const agents::settings& settings);
/// The repository's own: its git, worktrees, disk, configuration files, database.
awaitable<std::vector<finding>> check_project(std::shared_ptr<effects::project> in);

} // namespace graftline::cli
