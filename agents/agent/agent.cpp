#include "graftline/agents/agent/agent.hpp"

#include "graftline/agents/text/nearest.hpp"
#include "graftline/agents/text/placeholders.hpp"

#include <algorithm>
#include <filesystem>

namespace graftline::agents {
namespace {

agent_definition preset(std::string name, std::vector<std::string> command, prompt_via prompt,
                        output_format output)
{
    agent_definition agent;
    agent.name = std::move(name);
    agent.command = std::move(command);
    agent.prompt = prompt;
    agent.output = output;
    agent.wants_rules = true;
    return agent;
}

agent_table make_presets()
{
    constexpr auto by_input = prompt_via::standard_input;
    agent_table table;
    auto add = [&](agent_definition agent) -> agent_definition& { return table[agent.name] = agent; };

    // In place of a person who would allow each command: without Bash it can build and test nothing.
    add(preset("claude",
               {"claude", "-p", "--output-format", "stream-json", "--verbose", "--allowedTools", "Bash",
                "--permission-mode", "acceptEdits"},
               by_input, output_format::claude));
    // The sandbox lets it write its worktree; its older name, --full-auto, warns.
    add(preset("codex", {"codex", "exec", "--json", "--sandbox", "workspace-write", "-"}, by_input,
               output_format::codex))
        .is_sandboxed = true;
    // Nobody has trusted a folder that did not exist a moment ago.
    add(preset("gemini", {"gemini", "--approval-mode", "yolo", "--output-format", "stream-json"}, by_input,
               output_format::gemini))
        .env["GEMINI_CLI_TRUST_WORKSPACE"] = "true";
    // What it would ask for is otherwise refused, and ends it in the middle of its work, with exit 0.
    add(preset("opencode", {"opencode", "run", "--auto", "--format", "json"}, by_input,
               output_format::opencode));
    add(preset("aider",
               {"aider", "--message-file", "{prompt_file}", "--yes-always", "--no-auto-commits",
                "--no-dirty-commits", "--no-pretty", "--no-stream", "--no-gitignore", "--no-check-update"},
               prompt_via::file, output_format::plain));
    return table;
}

} // namespace

const agent_table& presets()
{
    static const agent_table table = make_presets();
    return table;
}

bool is_agent(std::string_view name, const agent_table& configured)
{
    return configured.contains(name) || presets().contains(name);
}

std::vector<std::string> agent_names(const agent_table& configured)
{
    agent_table all = configured;
    all.insert(presets().begin(), presets().end());
    std::vector<std::string> names;
    for (const auto& [name, agent] : all)
        names.push_back(name);
    return names;
}

result<agent_definition> find_agent(std::string_view name, const agent_table& configured)
{
    for (const auto* table : {&configured, &presets()})
        if (const auto found = table->find(name); found != table->end()) return found->second;
    const auto names = agent_names(configured);
    std::string known;
    for (const auto& n : names)
        known += (known.empty() ? "" : ", ") + n;
    return fault(errc::not_found, "there is no agent '" + std::string(name) + "'" + did_you_mean(name, names))
        .with("agents", known)
        .advise("Describe it in graftline.toml: [agents." + std::string(name) +
                "] command = [\"program\", \"{prompt}\"]");
}

prompt_via prompt_of_command(const std::vector<std::string>& words)
{
    if (mentions(words, "prompt_file")) return prompt_via::file;
    if (mentions(words, "prompt") || mentions(words, "task")) return prompt_via::words;
    return prompt_via::standard_input;
}

agent_definition agent_for_command(std::vector<std::string> words)
{
    agent_definition agent;
    agent.name = words.empty() ? "" : std::filesystem::path(words.front()).filename().string();
    agent.prompt = prompt_of_command(words);
    agent.command = std::move(words);
    return agent;
}

} // namespace graftline::agents
