#include "graftline/effects/tasks/task.hpp"

#include "graftline/runtime/base/clock.hpp"

#include <boost/json/value_from.hpp>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

namespace graftline::effects {
namespace {

json::value or_null(const std::string& text)
{
    return text.empty() ? json::value(nullptr) : json::value(text);
}

} // namespace

stage tag_invoke(const json::value_to_tag<stage>&, const json::value& stored)
{
    const auto* fields = stored.if_object();
    if (!fields) throw std::invalid_argument("a stage is no object");
    const auto text = [&](std::string_view key) {
        const auto* value = fields->if_contains(key);
        return value ? json::value_to<std::string>(*value) : std::string();
    };
    const auto* decides = fields->if_contains("decides");
    return {text("name"), text("agent"), text("prompt"), decides && json::value_to<bool>(*decides)};
}

std::string_view to_string(land_mode mode) noexcept
{
    constexpr std::string_view names[] = {"merge", "squash", "rebase"};
    return names[static_cast<std::size_t>(mode)];
}

result<land_mode> land_mode_named(std::string_view name)
{
    if (name == "merge") return land_mode::merge;
    if (name == "squash") return land_mode::squash;
    if (name == "rebase") return land_mode::rebase;
    return fault(errc::invalid, "unknown way to land: '" + std::string(name) + "'")
        .advise("Use merge, squash or rebase.");
}

const std::string& target_of(const task& t)
{
    return t.landed_target.empty() ? t.spec.target : t.landed_target;
}

json::object to_public_json(const task& t)
{
    const bool ended = !t.finished_at.empty();
    return {{"id", t.id},
            {"key", or_null(t.key)},
            {"description", t.spec.description},
            {"agent", or_null(t.spec.agent)},
            {"state", to_string(t.state)},
            {"branch", or_null(t.branch)},
            {"base", or_null(t.base)},
            {"target", or_null(target_of(t))},
            {"worktree", or_null(t.worktree)},
            {"commit", or_null(t.commit)},
            {"landed", or_null(t.state == task_state::merged ? t.landed : "")},
            {"undone", or_null(t.undone)},
            {"exit_code", json::value_from(t.exit_code)},
            {"signal", json::value_from(t.signal)},
            {"reason", or_null(t.reason)},
            {"conflicts", json::value_from(t.conflicts)},
            {"files", json::value_from(t.files)},
            {"left", json::value_from(t.left)},
            {"created_at", or_null(t.created_at)},
            {"started_at", or_null(t.started_at)},
            {"finished_at", or_null(t.finished_at)},
            {"duration_s", seconds_between(t.started_at, ended ? t.finished_at : now_text())},
            {"attempts", t.attempts},
            {"usage", json::value_from(t.usage)},
            {"log", or_null(t.log)},
            {"run", or_null(t.run)},
            {"rescues", json::value_from(t.rescues)},
            {"metadata", t.spec.metadata}};
}

std::string title(const task& t, std::size_t limit)
{
    std::string line = t.spec.description.substr(0, t.spec.description.find('\n'));
    if (line.size() <= limit) return line;
    constexpr std::string_view ellipsis = "…";
    std::size_t end = limit - std::min(limit, ellipsis.size());
    while (end > 0 && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80)
        --end;
    return line.substr(0, end).append(ellipsis);
}

bool has_agent(const task_spec& asked)
{
    return !asked.command.empty() || !asked.agent.empty() || !asked.stages.empty();
}

std::string agent_name_of(const task_spec& asked, const std::string& of_stage)
{
    if (!of_stage.empty()) return of_stage;
    if (!asked.agent.empty() || asked.command.empty()) return asked.agent;
    return std::filesystem::path(asked.command.front()).filename().string();
}

std::vector<std::string> ids_of(const std::vector<task>& tasks)
{
    std::vector<std::string> ids;
    for (const auto& t : tasks)
        ids.push_back(t.id);
    return ids;
}

token_usage operator+(token_usage a, const token_usage& b)
{
    a.input_tokens += b.input_tokens;
    a.output_tokens += b.output_tokens;
    a.cost_usd += b.cost_usd;
    a.cost_known = a.cost_known && b.cost_known;
    return a;
}

double seconds_between(const std::string& from, const std::string& to)
{
    const auto begin = from_iso8601(from), end = from_iso8601(to);
    if (!begin || !end) return 0;
    return std::chrono::duration<double>(*end - *begin).count();
}

std::string now_text()
{
    return to_iso8601(real_clock().now());
}

} // namespace graftline::effects
