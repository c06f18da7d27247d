/// What git must, and must not, see in its environment: in our own calls, and in those of agents.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace graftline {
class command;
}

namespace graftline::git {

using variable = std::pair<std::string, std::string>;

/// Variables that tie git to one repository (`git rev-parse --local-env-vars`), to a time, and in a hook of
/// `git commit` to the author of that commit: with them git works on another repository, or signs as somebody
/// else.
std::vector<std::string> repository_variables();

/// What a process that works in one of our worktrees starts with.
struct agent_environment_rules {
    std::vector<std::string> drop; ///< names that are taken out of what it inherits
    std::vector<variable> set;     ///< what it gets instead
};

/// `worktree`: the agent's; git does not look for a repository above it. `setting`: one more
/// of git's, from `ignoring_setting`.
agent_environment_rules rules_for_agents(const std::filesystem::path& worktree,
                                         const std::optional<variable>& setting = {});

/// Prepares a git command of ours: no inherited repository, English words, no prompts, no optional locks, no
/// background maintenance, and patience with other people's ref locks.
void prepare_own_call(command& git);

} // namespace graftline::git
