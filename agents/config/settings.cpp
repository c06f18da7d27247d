#include "graftline/agents/config/settings.hpp"

#include "graftline/agents/agent/agent_environment.hpp"
#include "graftline/agents/document/table_reader.hpp"
#include "graftline/agents/files/text_file.hpp"

#include <algorithm>

namespace graftline::agents {
namespace {

constexpr auto unclear = table_reader::flat_list::is_unclear;
constexpr std::size_t most_tasks = 1000;

void read_run(table_reader& t, settings::run_section& run)
{
    t.read_number<std::size_t>("max", run.max, 1, most_tasks);
    t.read("base", run.base);
    t.read("target", run.target);
    t.read_choice("land", run.land, {"merge", "squash", "rebase"});
    t.read_choice("on_overlap", run.on_overlap, {"serialize", "ask", "continue"});
    t.read_choice("on_conflict", run.on_conflict, {"keep", "retry"});
    t.read("agent", run.agent);
    t.read("profile", run.profile);
    t.read_limit("timeout", run.timeout);
    t.read_limit("attempt_timeout", run.attempt_timeout);
    t.read_limit("idle_timeout", run.idle_timeout);
    t.read("grace", run.grace);
    t.read("fail_fast", run.fail_fast);
    t.read("keep_worktrees", run.keep_worktrees);
    t.read_choice("durability", run.durability, {"process", "power"});
    t.read_number<std::size_t>("attempts", run.attempts, 1, 100);
    t.read("backoff", run.backoff);
    t.read("patience", run.patience);
}

/// A path of the repository that is to be in every worktree too: it must not lead out of either.
void check_inside(table_reader& t, std::string_view key, const std::vector<std::string>& paths)
{
    const auto* m = t.find(key);
    if (!m) return;
    for (const auto& named : paths) {
        const auto path = std::filesystem::path(named).lexically_normal();
        if (path.empty() || path.is_absolute() || *path.begin() == "..")
            t.complain(m->value.where, key,
                       "names '" + named + "', which is not a path inside the repository");
    }
}

void read_worktree(table_reader& t, settings::worktree_section& worktree)
{
    t.read("path", worktree.path);
    t.read("branch", worktree.branch);
    std::optional<std::string> strategy;
    t.read_choice("strategy", strategy, {"checkout"});
    if (strategy) worktree.strategy = *strategy;
    t.read("copy", worktree.copy);
    t.read("link", worktree.link);
    check_inside(t, "copy", worktree.copy);
    check_inside(t, "link", worktree.link);
    t.read_commands("setup", worktree.setup, unclear);
    t.read_limit("timeout", worktree.timeout);
}

bool is_trailer(const std::string& line)
{
    const auto colon = line.find(": ");
    if (colon == 0 || colon == line.npos || line.find_first_of("\r\n") != line.npos) return false;
    return line.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == colon;
}

void read_commit(table_reader& t, settings::commit_section& commit)
{
    t.read("type", commit.type);
    t.read("scope", commit.scope);
    t.read("trailers", commit.trailers);
    for (const auto& line : commit.trailers)
        if (const auto* m = t.find("trailers"); m && !is_trailer(line))
            t.complain(m->value.where, "trailers",
                       "has '" + line + "', which is not of the form \"Key: value\"");
}

void read_limits(table_reader& t, settings::limits_section& limits)
{
    t.read_number("cpu", limits.cpu, 1.0, 100.0);
    t.read_number("memory", limits.memory, 1.0, 100.0);
    t.read_size("disk_free", limits.disk_free);
    t.read_size("log", limits.log);
}

std::optional<output_format> format_named(const std::optional<std::string>& name)
{
    if (!name) return std::nullopt;
    if (*name == "claude") return output_format::claude;
    if (*name == "codex") return output_format::codex;
    if (*name == "gemini") return output_format::gemini;
    if (*name == "opencode") return output_format::opencode;
    return output_format::plain;
}

std::optional<prompt_via> way_named(const std::optional<std::string>& name)
{
    if (!name) return std::nullopt;
    if (*name == "words") return prompt_via::words;
    return *name == "file" ? prompt_via::file : prompt_via::standard_input;
}

/// An agent's table says how it differs from the preset of its name, or from nothing.
agent_definition read_agent(table_reader& t, const std::string& name, place where)
{
    const auto preset = presets().find(name);
    agent_definition agent = preset == presets().end() ? agent_definition() : preset->second;
    agent.name = name;
    t.read_command("command", agent.command);
    if (t.find("command") && !agent.command.empty()) agent.prompt = prompt_of_command(agent.command);
    std::vector<std::string> more;
    t.read("args", more);
    agent.command.insert(agent.command.end(), more.begin(), more.end());
    if (agent.command.empty() && !t.find("command"))
        t.complain(where, "command", "is missing: there is no preset '" + name + "' to take it from");
    std::optional<std::string> way, format;
    t.read_choice("prompt", way, {"words", "file", "stdin"});
    t.read_choice("output", format, {"plain", "claude", "codex", "gemini", "opencode"});
    agent.prompt = way_named(way).value_or(agent.prompt);
    agent.output = format_named(format).value_or(agent.output);
    t.read("rules", agent.wants_rules);
    t.read("env", agent.env);
    for (const auto& [variable, value] : agent.env)
        if (const auto why = why_not_variable(variable, value)) t.complain(where, "env." + variable, *why);
    return agent;
}

/// Agents are named in "task:agent" and in files.
bool is_agent_name(std::string_view name)
{
    return !name.empty() && name.size() <= 64 && name.front() != '-' &&
           name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") ==
               name.npos;
}

void read_agents(const document_value& v, agent_table& agents, complaints& wrong)
{
    table_reader all(v, "[agents]", wrong);
    const auto* table = std::get_if<document_table>(&v.value);
    if (!table) return;
    for (const auto& entry : *table) {
        if (!is_agent_name(entry.key))
            wrong.add(entry.where,
                      "'" + entry.key + "' is not a name for an agent: letters, digits, - _ . only");
        table_reader t(entry.value, "[agents." + entry.key + "]", wrong);
        if (std::holds_alternative<document_table>(entry.value.value))
            agents[entry.key] = read_agent(t, entry.key, entry.where);
        t.finish();
    }
}

/// Reads one section where it is there.
template <class Section>
void read_section(table_reader& top, std::string_view name, complaints& wrong,
                  void (*read)(table_reader&, Section&), Section& into)
{
    const auto* m = top.find(name);
    if (!m) return;
    table_reader section(m->value, "[" + std::string(name) + "]", wrong);
    read(section, into);
    section.finish();
}

result<void> read_file(const std::filesystem::path& file, settings& into)
{
    const auto text = read_text_file(file);
    if (!text && text.error().is(errc::not_found)) return {};
    if (!text) return text.error();
    return read_settings(*text, file.string(), into);
}

} // namespace

result<void> read_settings(std::string_view text, std::string_view file, settings& into)
{
    const auto document = read_toml(text, file);
    if (!document) return document.error();
    complaints wrong(file);
    table_reader top(*document, "", wrong);
    settings read = into;
    read_section(top, "run", wrong, read_run, read.run);
    read_section(top, "worktree", wrong, read_worktree, read.worktree);
    read_section<settings::git_section>(
        top, "git", wrong, [](table_reader& t, auto& git) { t.read_limit("timeout", git.timeout); },
        read.git);
    read_section(top, "commit", wrong, read_commit, read.commit);
    read_section(top, "limits", wrong, read_limits, read.limits);
    read_section<settings::gate_section>(
        top, "gate", wrong,
        [](table_reader& t, auto& gate) {
            t.read_commands("commands", gate.commands, unclear);
            t.read_number<std::size_t>("speculate", gate.speculate, 1, 64);
            t.read("share", gate.share);
            t.read_limit("timeout", gate.timeout);
        },
        read.gate);
    read_section<settings::landing_section>(
        top, "landing", wrong,
        [](table_reader& t, auto& landing) {
            t.read("merge_message", landing.merge_message);
            t.read("squash_message", landing.squash_message);
            t.read("into", landing.into);
            t.read("fast_forward", landing.fast_forward);
            t.read("resolver", landing.resolver);
            t.read_number<std::size_t>("resolutions", landing.resolutions, 0, 10);
        },
        read.landing);
    read_section<settings::clean_section>(
        top, "clean", wrong,
        [](table_reader& t, auto& clean) {
            t.read_number<std::size_t>("days", clean.days, 0, 36'500);
            t.read_size("bytes", clean.bytes);
        },
        read.clean);
    if (const auto* m = top.find("agents")) read_agents(m->value, read.agents, wrong);
    top.finish();
    if (auto told = wrong.told()) return *told;
    into = std::move(read);
    return {};
}

result<settings> load_settings(const std::optional<std::filesystem::path>& repository_file,
                               const std::filesystem::path& user_file)
{
    settings all;
    if (repository_file)
        if (auto read = read_file(*repository_file, all); !read) return read.error();
    if (auto read = read_file(user_file, all); !read) return read.error();
    return all;
}

} // namespace graftline::agents
