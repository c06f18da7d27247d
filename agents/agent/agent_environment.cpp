#include "graftline/agents/agent/agent_environment.hpp"

#include <algorithm>

namespace graftline::agents {
namespace {

constexpr std::string_view ours = "GRAFTLINE_";
using variables = std::map<std::string, std::string, std::less<>>;

variables inherited(const std::vector<std::string>& parent, const std::vector<std::string>& drop)
{
    variables kept;
    for (const auto& entry : parent) {
        const auto equals = entry.find('=');
        if (equals == 0 || equals == entry.npos) continue;
        std::string name = entry.substr(0, equals);
        // A graftline around us has told its agent, not ours.
        if (name.starts_with(ours) || std::ranges::find(drop, name) != drop.end()) continue;
        kept[std::move(name)] = entry.substr(equals + 1);
    }
    return kept;
}

void tell_task(variables& all, const agent_context& c)
{
    auto tell = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) all[std::string(ours) + std::string(name)] = value;
    };
    tell("TASK_ID", c.id);
    tell("TASK_KEY", c.key);
    tell("TASK", c.description);
    tell("PROMPT_FILE", c.prompt_file.string());
    tell("WORKTREE", c.worktree.string());
    tell("BRANCH", c.branch);
    tell("BASE", c.base);
    tell("TARGET", c.target);
    tell("PLAN", c.plan.string());
    tell("STAGE", c.stage);
    tell("ATTEMPT", std::to_string(c.attempt));
    tell("FEEDBACK_FILE", c.feedback_file.string());
    tell("PORT_BASE", c.port_base ? std::to_string(c.port_base) : "");
    tell("RESULT", c.result_file.string());
}

bool is_name(std::string_view name)
{
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return !name.empty() && name.find_first_not_of(letters) == name.npos && (name[0] < '0' || name[0] > '9');
}

} // namespace

std::vector<std::string> agent_environment(const std::vector<std::string>& parent,
                                           const agent_context& context)
{
    variables all = inherited(parent, context.git.drop);
    for (const auto& [name, value] : context.git.set)
        all[name] = value;
    if (!context.temporary.empty()) all["TMPDIR"] = context.temporary.string();
    if (!context.worktree.empty()) all["PWD"] = context.worktree.string();
    all.erase("OLDPWD");
    for (const auto& table : context.extra)
        for (const auto& [name, value] : table)
            all[name] = value;
    std::erase_if(all, [](const auto& v) { return v.first.starts_with(ours); });
    tell_task(all, context);

    std::vector<std::string> environment;
    for (const auto& [name, value] : all)
        environment.push_back(name + "=" + value);
    return environment;
}

placeholder_values placeholders_of(const agent_context& c)
{
    return {{"id", c.id},
            {"key", c.key},
            {"task", c.description},
            {"prompt", c.prompt},
            {"prompt_file", c.prompt_file.string()},
            {"worktree", c.worktree.string()},
            {"branch", c.branch},
            {"base", c.base},
            {"plan", c.plan.string()},
            {"stage", c.stage},
            {"priority", std::to_string(c.priority)}};
}

std::optional<std::string> why_not_variable(std::string_view name, std::string_view value)
{
    if (!is_name(name)) return "is not a name for a variable: letters, digits and _, no digit first";
    if (name.starts_with(ours)) return "is a variable that graftline sets itself";
    const auto& tied = git::repository_variables();
    const bool identity = name.starts_with("GIT_AUTHOR_") || name.starts_with("GIT_COMMITTER_");
    if (!identity && std::ranges::find(tied, name) != tied.end())
        return "would lead git out of the task's worktree";
    if (value.find('\0') != value.npos) return "holds a NUL character";
    if (name.size() + 1 + value.size() > longest_word) return "is longer than an environment takes (128 KiB)";
    return std::nullopt;
}

} // namespace graftline::agents
