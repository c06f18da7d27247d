/// From what a user typed or planned to tasks that can be stored.
#pragma once

#include "graftline/agents/config/plan.hpp"
#include "graftline/effects/store/project.hpp"

namespace graftline::effects {

/// What holds for all tasks of a run. The command line fills it from its flags, the plan and the settings;
/// base, target and profile that are left empty come from the settings, then the profile, then the built-in
/// default.
class task_defaults {
public:
    std::string agent;
    std::vector<std::string> command; ///< words after `--`
    std::optional<std::string> base;
    std::optional<std::string> target;
    std::string into; ///< branch that lands instead of the target; empty: the target itself
    std::optional<land_mode> land;
    conflict_policy on_conflict = conflict_policy::keep;
    std::vector<std::vector<std::string>> gates;
    std::optional<std::chrono::milliseconds> timeout;
    std::optional<std::chrono::milliseconds> attempt_timeout;
    std::optional<std::chrono::milliseconds> idle_timeout;
    std::optional<std::chrono::milliseconds> grace;
    std::string profile;
    std::string plan_file; ///< `--plan`, absolute
    std::string on_overlap = "serialize";
    bool keep_worktrees = false;
    bool by_hand = false; ///< no agent is needed: `create`
};

/// One task as the user named it.
struct wanted_task {
    std::string description;
    std::string agent; ///< from a `:agent` suffix or the plan
    std::optional<agents::planned_task> planned;
};

/// Gives every task an id, a key, its agent, names and defaults; turns `after` into ids; with `serialize` a
/// task whose declared files overlap those of an earlier one comes after it. Nothing is stored and nothing is
/// made. Errors: invalid, naming the task and what is wrong: no agent, an unknown one, a program that is not
/// there, an unknown base or target, no commit in the repository yet; unusable where worktrees cannot be
/// made.
awaitable<result<std::vector<task>>> make_tasks(std::shared_ptr<project> in, std::vector<wanted_task> wanted,
                                                task_defaults defaults);

} // namespace graftline::effects
