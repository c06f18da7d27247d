/// The command line as declared once: for parsing, for help and for completion. Includes the parser's heavy
/// header.
#pragma once

#include "graftline/cli/arguments/arguments.hpp"

#include <CLI/CLI.hpp>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::cli {

/// Says how a command is called in our own words.
class help_formatter : public CLI::Formatter {
public:
    help_formatter() { column_width(26); }
    std::string make_usage(const CLI::App* app, std::string name) const override;
    std::string make_option_name(const CLI::Option* option, bool is_positional) const override;
    std::string make_option_opts(const CLI::Option* option) const override;
    std::map<const CLI::App*, std::string> usage;
};

/// All commands with their options; parsing fills the arguments. Neither copied nor moved: the parser refers
/// to it.
class grammar {
public:
    explicit grammar(std::string_view version);
    grammar(const grammar&) = delete;
    grammar& operator=(const grammar&) = delete;

    CLI::App app{"Many agents at once on one git repository, each in a worktree of its own, landed safely."};
    common_arguments common;
    run_arguments run;
    create_arguments create;
    status_arguments status;
    logs_arguments logs;
    diff_arguments diff;
    check_arguments check;
    commit_arguments commit;
    land_arguments land;
    undo_arguments undo;
    retry_arguments retry;
    resume_arguments resume;
    events_arguments events;
    cancel_arguments cancel;
    discard_arguments discard;
    clean_arguments clean;
    shell_arguments shell;
    doctor_arguments doctor;
    merge_tree_arguments merge_tree;
    completion_arguments completion;
    std::vector<std::string> takes_task; ///< commands whose words are ids of tasks

private:
    CLI::App& command(const char* name, const char* description, const char* usage, const char* example);
    void declare_making_commands();
    void declare_looking_commands();
    void declare_changing_commands();
    void declare_other_commands();
    void add_common(CLI::App& to);
    void add_making(CLI::App& to, making_arguments& how);
    CLI::Option* add_tasks(CLI::App& to, std::vector<std::string>& tasks);
    CLI::Option* add_task(CLI::App& to, std::string& task);

    std::shared_ptr<help_formatter> format_ = std::make_shared<help_formatter>();
    std::vector<std::string> completion_choices_{"bash", "zsh", "fish", "tasks"};
    std::string color_;
};

} // namespace graftline::cli
