/// Agents: what is launched for a task, and how it wants to be told.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::agents {

/// How an agent gets its prompt.
enum class prompt_via {
    words,          ///< its command holds {prompt} or {task}
    file,           ///< its command holds {prompt_file}
    standard_input, ///< the prompt file is its standard input
};

/// What an agent prints: what `output_reader` makes of it.
enum class output_format { plain, claude, codex, gemini, opencode };

/// A command that does tasks. Its words may hold placeholders (placeholders.hpp).
struct agent_definition {
    std::string name;
    std::vector<std::string> command; ///< never empty; the program first
    prompt_via prompt = prompt_via::standard_input;
    output_format output = output_format::plain;
    std::map<std::string, std::string> env; ///< added to its environment
    bool wants_rules = false; ///< a language model: told how to behave in a worktree (prompt.hpp)
    bool is_sandboxed =
        false; ///< by itself: it can neither commit nor listen on ports, and is told of neither
};

using agent_table = std::map<std::string, agent_definition, std::less<>>;

/// The agents that need no configuration: claude, codex, gemini, opencode, aider, with the flags by which
/// they work without asking. They get their prompts by standard input or file: process lists show command
/// lines to everybody.
const agent_table& presets();

/// An agent of the settings, else a preset.
/// Errors: not_found, naming those that there are, and the nearest.
result<agent_definition> find_agent(std::string_view name, const agent_table& configured);
bool is_agent(std::string_view name, const agent_table& configured);

/// All names: configured ones and presets, sorted.
std::vector<std::string> agent_names(const agent_table& configured);

/// The agent that a command given on the command line is; named after its program.
agent_definition agent_for_command(std::vector<std::string> words);

/// How a command that does not say it otherwise takes its prompt: as its placeholders say, else by standard
/// input.
prompt_via prompt_of_command(const std::vector<std::string>& words);

} // namespace graftline::agents
