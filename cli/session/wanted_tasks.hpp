/// From a command line to what effects::make_tasks takes.
#pragma once

#include "graftline/cli/session/session.hpp"
#include "graftline/effects/new_tasks.hpp"

namespace graftline::cli {

/// The tasks of a command line and of its `--from` file, and what the file says for all of them.
struct wanted_tasks {
    std::vector<effects::wanted_task> tasks;
    std::optional<std::string> target;
    std::optional<std::size_t> max;
    std::vector<std::vector<std::string>> gates;
};

/// Reads `from` (tasks.txt, plan.json or plan.toml; by its extension, else by what is in it) and the words.
/// Errors: invalid or not_found, naming the file and the line, or the task.
result<wanted_tasks> read_tasks(const std::vector<std::string>& words, const std::string& from,
                                const agents::settings& settings);

/// The options of `run` and `create`, over the plan's words, over the settings.
result<effects::task_defaults> read_defaults(const making_arguments& asked, const wanted_tasks& wanted,
                                             const agents::settings& settings);

/// Gates as they are typed: one string each, split into words as a shell does.
result<std::vector<std::vector<std::string>>> read_gates(const std::vector<std::string>& typed);

/// Asks on the terminal whether tasks that say they change the same files are to run one after the other.
/// Result: "serialize" or "continue"; "serialize" without a question when there is no overlap. Errors:
/// invalid where nobody can be asked.
result<std::string> ask_about_overlaps(const std::vector<effects::wanted_task>& tasks, session& s);

} // namespace graftline::cli
