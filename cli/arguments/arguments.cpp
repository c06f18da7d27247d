#include "graftline/cli/arguments/arguments.hpp"

#include "graftline/cli/arguments/command_words.hpp"
#include "graftline/cli/arguments/grammar.hpp"

#include <algorithm>

namespace graftline::cli {
namespace {

answer usage_error(const CLI::App* command, const std::string& what)
{
    std::string help = "graftline";
    if (command && command->get_parent()) help += " " + command->get_name();
    return {2, "graftline: " + what + "\n  See how it is used: " + help + " --help\n"};
}

/// An option has no space after its dash: "- fix the menu" is a line of somebody's list.
bool looks_like_option(const std::string& word)
{
    return word.size() > 1 && word.front() == '-' && word[1] != ' ';
}

/// Words that no option took: descriptions of tasks, and options that there are not.
std::variant<std::vector<std::string>, answer> task_words(const CLI::App& command)
{
    auto words = command.remaining();
    for (const auto& word : words)
        if (looks_like_option(word)) return usage_error(&command, "unknown option " + word);
    return words;
}

/// The parser's library cannot check the value of a flag.
std::optional<std::string> wrong_mode(const std::string& land)
{
    if (land.empty() || land == "merge" || land == "squash" || land == "rebase") return std::nullopt;
    return "unknown way to land: '" + land + "'; use merge, squash or rebase";
}

std::variant<asked, answer> pick_run(grammar& g, const CLI::App& command, std::vector<std::string> agent)
{
    if (auto why = wrong_mode(g.run.how.land)) return usage_error(&command, *why);
    auto words = task_words(command);
    if (auto* wrong = std::get_if<answer>(&words)) return std::move(*wrong);
    g.run.tasks = std::move(std::get<std::vector<std::string>>(words));
    g.run.how.command = std::move(agent);
    if (g.run.tasks.empty() && g.run.from.empty())
        return usage_error(&command, "name at least one task, or a file of them with --from");
    return asked(std::move(g.run));
}

std::variant<asked, answer> pick_create(grammar& g, const CLI::App& command, std::vector<std::string> agent)
{
    if (auto why = wrong_mode(g.create.how.land)) return usage_error(&command, *why);
    auto words = task_words(command);
    if (auto* wrong = std::get_if<answer>(&words)) return std::move(*wrong);
    auto& tasks = std::get<std::vector<std::string>>(words);
    if (tasks.size() != 1) return usage_error(&command, "create makes exactly one task");
    g.create.task = std::move(tasks.front());
    g.create.how.command = std::move(agent);
    return asked(std::move(g.create));
}

std::variant<asked, answer> pick_land(grammar& g, const CLI::App& command)
{
    if (g.land.all && !g.land.tasks.empty())
        return usage_error(&command, "name tasks or say --all, not both");
    if (!g.land.all && g.land.tasks.empty())
        return usage_error(&command, "name at least one task, or say --all");
    return asked(std::move(g.land));
}

std::variant<asked, answer> pick_merge_tree(grammar& g, const CLI::App& command)
{
    if (g.merge_tree.from_input && !g.merge_tree.ours.empty())
        return usage_error(&command, "name two commits or say --stdin, not both");
    if (!g.merge_tree.from_input && g.merge_tree.theirs.empty())
        return usage_error(&command, "name two commits, OURS and THEIRS, or say --stdin");
    return asked(std::move(g.merge_tree));
}

std::variant<asked, answer> pick(grammar& g, const CLI::App& command, std::vector<std::string> theirs)
{
    const std::string name = command.get_name();
    if (name == "run") return pick_run(g, command, std::move(theirs));
    if (name == "create") return pick_create(g, command, std::move(theirs));
    g.shell.command = std::move(theirs);
    if (name == "shell") return asked(std::move(g.shell));
    if (!g.shell.command.empty())
        return usage_error(&command, "graftline " + name + " takes no command after --");
    if (name == "land") return pick_land(g, command);
    if (name == "merge-tree") return pick_merge_tree(g, command);
    if (name == "status") return asked(std::move(g.status));
    if (name == "logs") return asked(std::move(g.logs));
    if (name == "diff") return asked(std::move(g.diff));
    if (name == "check") return asked(std::move(g.check));
    if (name == "commit") return asked(std::move(g.commit));
    if (name == "undo") return asked(std::move(g.undo));
    if (name == "retry") return asked(std::move(g.retry));
    if (name == "resume") return asked(std::move(g.resume));
    if (name == "events") return asked(std::move(g.events));
    if (name == "cancel") return asked(std::move(g.cancel));
    if (name == "discard") return asked(std::move(g.discard));
    if (name == "clean") return asked(std::move(g.clean));
    if (name == "doctor") return asked(std::move(g.doctor));
    return asked(std::move(g.completion));
}

} // namespace

std::variant<invocation, answer> parse(std::vector<std::string> words, std::string_view version)
{
    auto split = separate(std::move(words));
    grammar g(version);
    const auto named = [&]() -> const CLI::App* {
        const auto used = g.app.get_subcommands();
        return used.empty() ? &g.app : used.front();
    };
    if (split.ours.empty() && split.theirs.empty()) return answer{2, g.app.help()};
    const auto is_it = [&](const CLI::App* one) { return one->get_name() == split.command; };
    if (!split.command.empty() && g.app.get_subcommands(is_it).empty())
        return usage_error(&g.app, "there is no command '" + split.command + "'");
    try {
        std::ranges::reverse(split.ours); // as the library takes them
        g.app.parse(std::move(split.ours));
    } catch (const CLI::CallForHelp&) {
        return answer{0, named()->help()};
    } catch (const CLI::CallForVersion& v) {
        return answer{0, std::string(v.what()) + "\n"};
    } catch (const CLI::ParseError& e) {
        return usage_error(named(), e.what());
    }
    auto picked = pick(g, *named(), std::move(split.theirs));
    if (auto* done = std::get_if<answer>(&picked)) return std::move(*done);
    return invocation{g.common, std::move(std::get<asked>(picked))};
}

std::vector<command_description> describe_commands()
{
    const std::map<std::string, std::vector<std::string>> choices{
        {"--color", {"auto", "always", "never"}},
        {"--land", {"merge", "squash", "rebase"}},
        {"--mode", {"merge", "squash", "rebase"}},
        {"--on-overlap", {"serialize", "ask", "continue"}},
        {"--on-conflict", {"keep", "retry"}},
        {"--profile", {"default", "coditect", "spec108", "scorecount"}},
        {"--agent", {"claude", "codex", "gemini", "opencode", "aider"}}};
    grammar g("");
    std::vector<command_description> all;
    for (const auto* command : g.app.get_subcommands([](const CLI::App*) { return true; })) {
        command_description described{command->get_name(),
                                      command->get_description(),
                                      {},
                                      std::ranges::count(g.takes_task, command->get_name()) > 0};
        for (const auto* option : command->get_options()) {
            if (option->get_positional()) continue;
            option_description o{{}, option->get_description(), option->get_items_expected_max() > 0, {}};
            for (const auto& name : option->get_lnames())
                o.names.push_back("--" + name);
            for (const auto& name : option->get_snames())
                o.names.push_back("-" + name);
            for (const auto& name : o.names)
                if (choices.contains(name)) o.choices = choices.at(name);
            described.options.push_back(std::move(o));
        }
        all.push_back(std::move(described));
    }
    return all;
}

} // namespace graftline::cli
