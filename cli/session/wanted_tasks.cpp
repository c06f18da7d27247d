#include "graftline/cli/session/wanted_tasks.hpp"

#include "graftline/agents/text/task_text.hpp"
#include "graftline/agents/text/words.hpp"
#include "graftline/cli/terminal/shown_text.hpp"
#include "graftline/git/naming/naming.hpp"

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <sstream>

namespace graftline::cli {
namespace {

namespace fs = std::filesystem;

result<std::string> read_whole(const fs::path& file)
{
    std::error_code failed;
    if (!fs::exists(file, failed)) return fault(errc::not_found, "there is no file '" + file.string() + "'");
    if (fs::is_directory(file, failed))
        return fault(errc::invalid, "this is a folder, not a file").with("file", file.string());
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    if (!in || (!(text << in.rdbuf()) && in.bad()))
        return fault(errc::invalid, "the file cannot be read").with("file", file.string());
    return text.str();
}

bool is_plan(const fs::path& file, const std::string& text)
{
    if (file.extension() == ".json" || file.extension() == ".toml") return true;
    const auto first = text.find_first_not_of(" \t\r\n");
    return first != std::string::npos && text[first] == '{';
}

result<void> add_plan(const std::string& text, const fs::path& file, const agents::agent_known& known,
                      wanted_tasks& into)
{
    auto plan = agents::parse_plan(text, file.string(), known);
    if (!plan) return plan.error();
    into.target = std::move(plan->target);
    into.max = plan->max;
    into.gates = std::move(plan->gates);
    for (auto& t : plan->tasks) {
        effects::wanted_task wanted{t.description, t.agent, std::nullopt};
        wanted.planned = std::move(t);
        into.tasks.push_back(std::move(wanted));
    }
    return {};
}

result<void> add_file(const fs::path& file, const agents::agent_known& known, wanted_tasks& into)
{
    const auto text = read_whole(file);
    if (!text) return text.error();
    if (is_plan(file, *text)) return add_plan(*text, file, known, into);
    auto list = agents::parse_task_list(*text, file.string(), known);
    if (!list) return list.error();
    if (list->empty())
        return fault(errc::invalid, "there is no task in the file").with("file", file.string());
    for (auto& t : *list)
        into.tasks.push_back({std::move(t.description), std::move(t.agent), std::nullopt});
    return {};
}

result<std::optional<std::chrono::milliseconds>>
read_duration(const std::string& typed, const char* option,
              std::optional<std::chrono::milliseconds> otherwise)
{
    if (typed.empty()) return otherwise;
    const auto parsed = agents::parse_duration(typed);
    if (!parsed) return fault(parsed.error()).with("option", option);
    return std::optional(*parsed);
}

/// The same where nothing could be done in no time.
result<std::optional<std::chrono::milliseconds>>
read_limit(const std::string& typed, const char* option, std::optional<std::chrono::milliseconds> otherwise)
{
    auto limit = read_duration(typed, option, otherwise);
    if (limit && *limit && (*limit)->count() <= 0)
        return fault(errc::invalid, std::string(option) + " " + std::string(agents::no_time));
    return limit;
}

std::optional<std::string> first_of(const std::string& typed, const std::optional<std::string>& otherwise)
{
    return typed.empty() ? otherwise : std::optional(typed);
}

/// What the tasks say they change, read once.
std::vector<std::vector<agents::glob>> files_of(const std::vector<effects::wanted_task>& tasks)
{
    std::vector<std::vector<agents::glob>> all(tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i)
        if (const auto& planned = tasks[i].planned) all[i] = {planned->files.begin(), planned->files.end()};
    return all;
}

/// Two tasks that say they change the same files, neither of which is named as coming after the other. No
/// more of them than a person reads.
std::vector<std::string> overlaps(const std::vector<effects::wanted_task>& tasks)
{
    constexpr std::size_t most = 20;
    const auto files = files_of(tasks);
    std::vector<std::string> found;
    for (std::size_t i = 0; i < tasks.size(); ++i)
        for (std::size_t j = i + 1; j < tasks.size(); ++j) {
            const auto &a = tasks[i].planned, &b = tasks[j].planned;
            if (!a || !b || std::ranges::count(a->after, b->id) || std::ranges::count(b->after, a->id))
                continue;
            for (std::size_t x = 0; x < files[i].size(); ++x)
                for (std::size_t y = 0; y < files[j].size(); ++y)
                    if (files[i][x].overlaps(files[j][y])) {
                        if (found.size() == most) {
                            found.emplace_back("and more");
                            return found;
                        }
                        found.push_back(a->id + " (" + a->files[x] + ") and " + b->id + " (" + b->files[y] +
                                        ")");
                    }
        }
    return found;
}

} // namespace

result<std::vector<std::vector<std::string>>> read_gates(const std::vector<std::string>& typed)
{
    std::vector<std::vector<std::string>> gates;
    for (const auto& one : typed) {
        auto words = agents::split_words(one);
        if (!words) return fault(words.error()).with("gate", one);
        gates.push_back(std::move(*words));
    }
    return gates;
}

result<wanted_tasks> read_tasks(const std::vector<std::string>& words, const std::string& from,
                                const agents::settings& settings)
{
    const agents::agent_known known = [&](std::string_view name) {
        return agents::is_agent(name, settings.agents);
    };
    wanted_tasks wanted;
    if (!from.empty())
        if (auto added = add_file(from, known, wanted); !added) return added.error();
    for (const auto& word : words) {
        auto parsed = agents::parse_task_text(word, known);
        if (!parsed) return fault(parsed.error()).with("task", fit(harmless_line(word), 60));
        wanted.tasks.push_back({std::move(parsed->description), std::move(parsed->agent), std::nullopt});
    }
    return wanted;
}

result<effects::task_defaults> read_defaults(const making_arguments& asked, const wanted_tasks& wanted,
                                             const agents::settings& settings)
{
    effects::task_defaults defaults;
    const auto& set = settings.run;
    defaults.agent = asked.agent.empty() && asked.command.empty() ? set.agent.value_or("") : asked.agent;
    defaults.command = asked.command;
    defaults.base = first_of(asked.base, set.base);
    defaults.target = first_of(asked.target, wanted.target ? wanted.target : set.target);
    defaults.profile = asked.profile;
    defaults.keep_worktrees = asked.keep_worktrees || set.keep_worktrees.value_or(false);
    if (!asked.plan.empty()) {
        std::error_code failed;
        if (!fs::is_regular_file(asked.plan, failed))
            return fault(errc::not_found, "there is no file '" + asked.plan + "'").with("option", "--plan");
        defaults.plan_file = fs::absolute(asked.plan).lexically_normal().string();
    }

    if (const auto land = first_of(asked.land, set.land)) {
        auto mode = effects::land_mode_named(*land);
        if (!mode) return mode.error();
        defaults.land = *mode;
    }
    defaults.into = first_of(asked.into, settings.landing.into).value_or("");
    if (!defaults.into.empty())
        if (auto named = git::check_branch_name(defaults.into); !named)
            return fault(named.error()).with("option", "--into");
    if (first_of(asked.on_conflict, set.on_conflict) == "retry")
        defaults.on_conflict = effects::conflict_policy::retry;
    auto gates = read_gates(asked.gates);
    if (!gates) return gates.error();
    defaults.gates = !gates->empty()         ? std::move(*gates)
                     : !wanted.gates.empty() ? wanted.gates
                                             : settings.gate.commands;

    auto timeout = read_limit(asked.timeout, "--timeout", set.timeout);
    if (!timeout) return timeout.error();
    auto grace = read_duration(asked.grace, "--grace", set.grace);
    if (!grace) return grace.error();
    auto attempt = read_limit(asked.attempt_timeout, "--attempt-timeout", set.attempt_timeout);
    if (!attempt) return attempt.error();
    auto idle = read_limit(asked.idle_timeout, "--idle-timeout", set.idle_timeout);
    if (!idle) return idle.error();
    defaults.timeout = *timeout;
    defaults.attempt_timeout = *attempt;
    defaults.idle_timeout = *idle;
    defaults.grace = *grace;
    defaults.on_overlap = asked.on_overlap.empty() ? set.on_overlap.value_or("serialize") : asked.on_overlap;
    return defaults;
}

result<std::string> ask_about_overlaps(const std::vector<effects::wanted_task>& tasks, session& s)
{
    const auto found = overlaps(tasks);
    if (found.empty()) return std::string("serialize");
    if (!::isatty(STDIN_FILENO) || !s.err().is_terminal())
        return fault(errc::invalid, "--on-overlap ask needs a terminal to ask on")
            .advise("Use serialize or continue.");
    std::string question = "These tasks say that they change the same files:\n";
    for (const auto& pair : found)
        question += "  " + harmless_line(pair) + "\n";
    s.err().write(question + "Run them one after the other? [Y/n] ");
    std::string line;
    if (!std::getline(std::cin, line)) return fault(errc::interrupted, "no answer");
    return std::string(line.starts_with('n') || line.starts_with('N') ? "continue" : "serialize");
}

} // namespace graftline::cli
