/// Plans: tasks with their dependencies, from a JSON or TOML file.
#pragma once

#include "graftline/agents/text/globs.hpp"
#include "graftline/agents/text/task_text.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <boost/json/object.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::agents {

struct planned_stage {
    std::string name;
    std::string agent;  ///< empty: the task's
    std::string prompt; ///< may hold placeholders; empty: as its name and the task say
    bool decides =
        false; ///< it says whether the work is fit; so does one named `review` that says nothing of it
};

struct planned_task {
    std::string id;
    std::string description;
    std::string prompt; ///< empty: the description
    std::string agent;  ///< empty: the run's
    std::vector<std::string> after;
    std::vector<std::string> files; ///< globs in normal form
    int priority = 0;
    std::optional<std::chrono::milliseconds> timeout;
    std::map<std::string, std::string> env;
    boost::json::object metadata;
    std::vector<planned_stage> stages;
};

struct plan {
    std::optional<std::string> target;
    std::optional<std::size_t> max;
    std::vector<std::vector<std::string>> gates;
    std::vector<planned_task> tasks;
};

/// Reads a plan: TOML when `file` ends in ".toml", else JSON. A task without an id gets "task-<n>", its place
/// in the plan. Errors: invalid, as "file:line:column: what is wrong", for text that is not well formed,
/// unknown keys, wrong types, bad globs, duplicate and unknown ids, cycles (every id of it is named), no task
/// at all, and agents that `known` refuses (an empty `known` takes all).
result<plan> parse_plan(std::string_view text, std::string_view file, const agent_known& known = {});

/// Reads the file first. Errors: also not_found and the system's.
result<plan> load_plan(const std::filesystem::path& file, const agent_known& known = {});

} // namespace graftline::agents
