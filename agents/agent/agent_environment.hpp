/// What an agent finds in its environment and in its placeholders.
#pragma once

#include "graftline/agents/text/placeholders.hpp"
#include "graftline/git/repository/environment.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::agents {

/// All that an agent is told about its task. Empty fields are not told.
class agent_context {
public:
    std::string id;
    std::string key;
    std::string description;
    std::string prompt;
    std::filesystem::path prompt_file;
    std::filesystem::path worktree;
    std::string branch;
    std::string base;
    std::string target;
    std::filesystem::path plan;
    std::string stage;
    int priority = 0;
    int attempt = 1;
    std::filesystem::path feedback_file; ///< on a retry: what the last attempt had to hear
    int port_base = 0;                   ///< first of ten; 0: none
    std::filesystem::path temporary;     ///< its own TMPDIR
    std::filesystem::path result_file;
    bool decides = false;                                  ///< whether the work is fit to go on
    bool is_sandboxed = false;                             ///< can neither commit nor listen on ports
    git::agent_environment_rules git;                      ///< from git::rules_for_agents
    std::vector<std::map<std::string, std::string>> extra; ///< the agent's, the plan's; later ones win
};

/// The whole environment of an agent as "NAME=value", sorted: `parent` without git's repository variables and
/// without GRAFTLINE_ variables of a graftline around us, then git's rules, then what settings and plan add,
/// then ours, which nothing overrides.
std::vector<std::string> agent_environment(const std::vector<std::string>& parent,
                                           const agent_context& context);

/// The values for the words of its command.
placeholder_values placeholders_of(const agent_context& context);

/// Why this variable may not be given to an agent; nullopt when it may: its name is no name, it would lead
/// git to another repository, it is ours, or it is too long.
std::optional<std::string> why_not_variable(std::string_view name, std::string_view value);

} // namespace graftline::agents
