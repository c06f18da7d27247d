/// What a user typed, as plain data. The parser's library stays behind this header.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace graftline::cli {

enum class color_choice { automatic, always, never };

/// What every command takes.
struct common_arguments {
    common_arguments() = default;
    std::string folder = "."; ///< `-C`
    bool verbose = false;
    color_choice color = color_choice::automatic;
};

/// How `run` and `create` make tasks.
struct making_arguments {
    making_arguments() = default;
    std::string base, target, agent, profile, plan, timeout, attempt_timeout, idle_timeout, grace;
    std::string into;
    std::string land;        ///< "merge", "squash", "rebase"; empty: not asked for
    std::string on_conflict; ///< empty: not said
    std::vector<std::string> gates;
    std::string on_overlap; ///< empty: not said
    bool keep_worktrees = false;
    std::vector<std::string> command; ///< the agent's words after `--`
};

struct run_arguments {
    run_arguments() = default;
    std::vector<std::string> tasks;
    std::string from;
    std::size_t max = 0;       ///< 0: not said
    std::size_t speculate = 0; ///< 0: not said
    making_arguments how;
    bool fail_fast = false, dry_run = false, json = false;
};
struct create_arguments {
    create_arguments() = default;
    std::string task;
    making_arguments how;
    bool json = false;
};
struct status_arguments {
    status_arguments() = default;
    std::string task; ///< empty: all
    bool watch = false, json = false, all = false;
};
struct logs_arguments {
    logs_arguments() = default;
    std::string task;
    bool follow = false, errors = false;
};
struct diff_arguments {
    diff_arguments() = default;
    std::string task;
    bool stat = false;
};
struct check_arguments {
    check_arguments() = default;
    bool json = false;
};
struct commit_arguments {
    commit_arguments() = default;
    std::string task, message, type = "feat", scope;
};
struct land_arguments {
    land_arguments() = default;
    std::vector<std::string> tasks;
    bool all = false;
    std::string mode, target, into;
    std::vector<std::string> gates;
    std::size_t speculate = 0; ///< 0: not said
    bool keep_worktrees = false, allow_undo = false, retest = false, json = false;
};
struct undo_arguments {
    undo_arguments() = default;
    std::vector<std::string> what; ///< tasks, and runs
    std::vector<std::string> gates;
    bool json = false;
};
struct retry_arguments {
    retry_arguments() = default;
    std::vector<std::string> tasks;
    std::size_t max = 0;
    bool fresh = false, json = false;
};
struct resume_arguments {
    resume_arguments() = default;
    std::string run; ///< empty: the newest that was interrupted
    bool json = false;
};
struct events_arguments {
    events_arguments() = default;
    std::string run; ///< empty: all
    bool follow = false, json = false;
};
struct cancel_arguments {
    cancel_arguments() = default;
    std::vector<std::string> tasks;
};
struct discard_arguments {
    discard_arguments() = default;
    std::vector<std::string> tasks;
    bool force = false;
};
struct clean_arguments {
    clean_arguments() = default;
    bool dry_run = false, force = false;
};
struct shell_arguments {
    shell_arguments() = default;
    std::string task;
    std::vector<std::string> command; ///< empty: the user's shell
};
struct doctor_arguments {
    doctor_arguments() = default;
    bool json = false;
};
struct merge_tree_arguments {
    merge_tree_arguments() = default;
    std::string ours, theirs;
    bool from_input = false;
};
struct completion_arguments {
    completion_arguments() = default;
    std::string shell; ///< bash, zsh, fish, or tasks: what those scripts ask for
};

using asked =
    std::variant<run_arguments, create_arguments, status_arguments, logs_arguments, diff_arguments,
                 commit_arguments, land_arguments, undo_arguments, retry_arguments, resume_arguments,
                 events_arguments, cancel_arguments, discard_arguments, clean_arguments, shell_arguments,
                 doctor_arguments, completion_arguments, check_arguments, merge_tree_arguments>;

struct invocation {
    common_arguments common;
    asked what;
};

/// An answer that is complete already: help, the version, or what is wrong with the usage.
struct answer {
    int exit_status = 0;
    std::string text; ///< for standard output when the status is 0, else for standard error
};

/// Reads a command line without the program's name. `version` is what `--version` says.
std::variant<invocation, answer> parse(std::vector<std::string> words, std::string_view version);

/// One option of a command, for completion scripts.
struct option_description {
    std::vector<std::string> names; ///< with their dashes
    std::string description;
    bool takes_value = false;
    std::vector<std::string> choices; ///< of its value, when they are few
};
struct command_description {
    std::string name;
    std::string description;
    std::vector<option_description> options;
    bool takes_task = false; ///< its words are ids of tasks
};
std::vector<command_description> describe_commands();

} // namespace graftline::cli
