#include "graftline/cli/arguments/grammar.hpp"

namespace graftline::cli {
namespace {

void add_json(CLI::App& to, bool& json)
{
    to.add_flag("--json", json, "Print JSON, and nothing else, on standard output");
}

void add_gates(CLI::App& to, std::vector<std::string>& gates)
{
    to.add_option("--gate", gates, "Command that must pass on the merged tree; may be repeated")
        ->type_name("COMMAND")
        ->expected(1)
        ->allow_extra_args(false)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void add_max(CLI::App& to, std::size_t& max)
{
    to.add_option("--max", max, "Tasks at the same time (default: as the machine allows, at most 5)")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, std::size_t{10'000}));
}

void add_speculate(CLI::App& to, std::size_t& landings)
{
    to.add_option("--speculate", landings, "Landings whose gates run at the same time (default: 4)")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, std::size_t{64}));
}

} // namespace

std::string help_formatter::make_usage(const CLI::App* command, std::string) const
{
    return "Usage: " + (usage.contains(command) ? usage.at(command) : std::string("graftline COMMAND ...")) +
           "\n";
}

std::string help_formatter::make_option_name(const CLI::Option* option, bool is_positional) const
{
    if (option->check_lname("land")) return "--land[=MODE]";
    return CLI::Formatter::make_option_name(option, is_positional);
}

/// The value's name only: what it may be is in the description.
std::string help_formatter::make_option_opts(const CLI::Option* option) const
{
    if (option->get_positional() || option->get_type_size() == 0) return "";
    const auto type = option->get_type_name();
    return " " + type.substr(0, type.find(':'));
}

grammar::grammar(std::string_view version)
{
    app.name("graftline");
    app.formatter(format_);
    app.require_subcommand(1);
    app.set_help_flag("-h,--help", "Say how it is used");
    app.set_version_flag("--version", "graftline " + std::string(version), "Say which version this is");
    app.footer("graftline COMMAND --help says more of each.\n\nExample:\n"
               "  graftline run \"Add login page\" \"Write auth tests\" --land -- ./my-agent {prompt}");
    add_common(app);
    declare_making_commands();
    declare_looking_commands();
    declare_changing_commands();
    declare_other_commands();
}

CLI::App& grammar::command(const char* name, const char* description, const char* usage, const char* example)
{
    auto* made = app.add_subcommand(name, description)->group("Commands");
    format_->usage[made] = "graftline " + std::string(name) + " " + usage;
    made->footer("Example:\n  " + std::string(example));
    made->set_help_flag("-h,--help", "Say how it is used");
    add_common(*made);
    return *made;
}

void grammar::add_common(CLI::App& to)
{
    to.add_option("-C", common.folder, "Work as if started in this folder")->type_name("DIR");
    to.add_flag("-v,--verbose", common.verbose, "Tell on standard error what is done");
    to.add_option("--color", color_, "Use colours: auto, always, never")
        ->type_name("WHEN")
        ->transform(CLI::IsMember({"auto", "always", "never"}))
        ->each([this](const std::string& word) {
            common.color = word == "always"  ? color_choice::always
                           : word == "never" ? color_choice::never
                                             : color_choice::automatic;
        });
}

CLI::Option* grammar::add_tasks(CLI::App& to, std::vector<std::string>& tasks)
{
    takes_task.push_back(to.get_name());
    return to.add_option("TASK", tasks, "Id, the beginning of one, or key");
}

CLI::Option* grammar::add_task(CLI::App& to, std::string& task)
{
    takes_task.push_back(to.get_name());
    return to.add_option("TASK", task, "Id, the beginning of one, or key");
}

void grammar::add_making(CLI::App& to, making_arguments& how)
{
    to.add_option("--base", how.base, "What worktrees start from (default: the target's tip)")
        ->type_name("REF");
    to.add_option("--target", how.target, "Where work lands (default: the main worktree's branch)")
        ->type_name("BRANCH");
    to.add_option("--agent", how.agent, "Agent of tasks that name none")->type_name("NAME");
    to.add_option("--profile", how.profile, "Naming and defaults: default, coditect, spec108, scorecount")
        ->type_name("NAME");
    to.add_option("--plan", how.plan, "File that the agent is given as its plan")->type_name("FILE");
    // A flag, so that it never takes the next word: `--land "Add tests"` names a task.
    to.add_flag("--land{merge}", how.land, "Land each task as it completes: --land=merge, squash, rebase");
    add_gates(to, how.gates);
    to.add_option("--timeout", how.timeout,
                  "Longest time of one task, set-up and commit included, such as 30m")
        ->type_name("DURATION");
    to.add_option("--attempt-timeout", how.attempt_timeout, "Longest time of one attempt of an agent")
        ->type_name("DURATION");
    to.add_option("--idle-timeout", how.idle_timeout, "End an agent that prints nothing for so long")
        ->type_name("DURATION");
    to.add_option("--grace", how.grace, "Time between TERM and KILL (default: 10s)")->type_name("DURATION");
    to.add_option("--on-overlap", how.on_overlap,
                  "Tasks that change the same files: serialize, ask, continue")
        ->type_name("POLICY")
        ->transform(CLI::IsMember({"serialize", "ask", "continue"}));
    to.add_option("--into", how.into, "Land on this branch instead, made from the target if need be")
        ->type_name("BRANCH");
    to.add_option("--on-conflict", how.on_conflict,
                  "A task that does not merge: keep it, or retry with an agent")
        ->type_name("POLICY")
        ->transform(CLI::IsMember({"keep", "retry"}));
    to.add_flag("--keep-worktrees", how.keep_worktrees, "Do not remove worktrees of landed tasks");
}

void grammar::declare_making_commands()
{
    auto& r =
        command("run", "Carry tasks out in parallel, each in a worktree of its own",
                "[TASK ...] [--from FILE] [options] [-- AGENT-COMMAND ...]",
                "graftline run \"Add login page\" \"Write auth tests:claude\" --land --gate \"make test\"\n"
                "  graftline run --from tasks.txt --max 3 --timeout 30m -- ./my-agent {prompt}");
    r.allow_extras(); // the library would take \"[a,b]\" apart were tasks an option of it
    r.add_option("--from", run.from, "Tasks from tasks.txt, plan.json or plan.toml")->type_name("FILE");
    add_max(r, run.max);
    add_speculate(r, run.speculate);
    add_making(r, run.how);
    r.add_flag("--fail-fast", run.fail_fast, "Cancel the rest on the first failure");
    r.add_flag("--dry-run", run.dry_run, "Say what would be done, do nothing");
    add_json(r, run.json);

    auto& c = command("create", "Make one task's worktree without starting an agent", "TASK [options]",
                      "graftline create \"Try another parser\" --base v1.2");
    c.allow_extras();
    add_making(c, create.how);
    add_json(c, create.json);
}

void grammar::declare_looking_commands()
{
    auto& s = command("status", "Tasks, runs and resources", "[TASK] [--watch] [--json]",
                      "graftline status --watch\n  graftline status 3fa9");
    add_task(s, status.task);
    s.add_flag("--watch", status.watch, "Show it again at every change, until interrupted");
    add_json(s, status.json);

    s.add_flag("--all", status.all, "Runs that have ended too");

    auto& e = command("events", "The journal as a stream: what runs did, in order",
                      "[RUN] [--follow] [--json]", "graftline events --follow --json");
    e.add_option("RUN", events.run, "Id, or the beginning of one (default: all runs)");
    e.add_flag("-f,--follow", events.follow, "Go on until interrupted");
    e.add_flag("--json", events.json, "One JSON object a line");

    auto& l =
        command("logs", "What a task's agent printed", "TASK [-f] [--stderr]", "graftline logs -f 3fa9");
    add_task(l, logs.task)->required();
    l.add_flag("-f,--follow", logs.follow, "Go on until the agent ends");
    l.add_flag("--stderr", logs.errors, "Its standard error instead");

    auto& d = command("diff", "What a task changed, against its base", "TASK [--stat]",
                      "graftline diff 3fa9 --stat");
    add_task(d, diff.task)->required();
    d.add_flag("--stat", diff.stat, "Only how much in which files");

    auto& c = command("check", "Which tasks will conflict, and where, as they are now", "[--json]",
                      "graftline check");
    add_json(c, check.json);
}

void grammar::declare_changing_commands()
{
    auto& c = command("commit", "Commit what lies in a task's worktree",
                      "TASK -m MESSAGE [--type TYPE] [--scope SCOPE]",
                      "graftline commit 3fa9 -m \"add the login form\" --scope web");
    add_task(c, commit.task)->required();
    c.add_option("-m,--message", commit.message, "What was done")->type_name("TEXT")->required();
    c.add_option("--type", commit.type, "Kind of change (default: feat)")->type_name("TYPE");
    c.add_option("--scope", commit.scope, "Part that it changes")->type_name("NAME");

    auto& l = command("land", "Put completed tasks on their target", "TASK ... | --all [options]",
                      "graftline land --all --gate \"make test\"\n  graftline land 3fa9 --mode squash");
    add_tasks(l, land.tasks);
    l.add_flag("--all", land.all, "Every completed task");
    l.add_option("--mode", land.mode, "How: merge, squash, rebase")
        ->type_name("MODE")
        ->transform(CLI::IsMember({"merge", "squash", "rebase"}));
    l.add_option("--target", land.target, "Where to (default: as the task says)")->type_name("BRANCH");
    l.add_option("--into", land.into, "On this branch instead, made from the target if need be")
        ->type_name("BRANCH");
    add_gates(l, land.gates);
    add_speculate(l, land.speculate);
    l.add_flag("--retest", land.retest, "Run gates again on files that they have judged before");
    l.add_flag("--allow-undo", land.allow_undo, "Land even what takes back lines that landed meanwhile");
    l.add_flag("--keep-worktrees", land.keep_worktrees, "Do not remove worktrees of landed tasks");
    add_json(l, land.json);

    auto& u =
        command("undo", "Take back what tasks or runs landed, as new commits", "TASK ... | RUN ... [options]",
                "graftline undo 3fa9\n  graftline undo run-1c2d3e4f --gate \"make test\"");
    takes_task.push_back("undo");
    u.add_option("TASK", undo.what, "Id of a task or a run, the beginning of one, or a key")->required();
    add_gates(u, undo.gates);
    add_json(u, undo.json);

    auto& r = command("retry", "Carry failed, cancelled or conflicted tasks out again", "TASK ... [options]",
                      "graftline retry 3fa9");
    add_tasks(r, retry.tasks)->required();
    add_max(r, retry.max);
    r.add_flag("--fresh", retry.fresh, "In a new worktree; what was made before is saved in a rescue ref");
    add_json(r, retry.json);

    auto& g = command("resume", "Go on with a run after a crash or an interruption", "[RUN] [--json]",
                      "graftline resume");
    g.add_option("RUN", resume.run, "Id, or the beginning of one (default: the newest that was interrupted)");
    add_json(g, resume.json);

    auto& k =
        command("cancel", "End a task; its worktree and branch stay", "TASK ...", "graftline cancel 3fa9");
    add_tasks(k, cancel.tasks)->required();

    auto& d = command("discard", "Give a task up: save what no branch holds, remove worktree and branch",
                      "TASK ... [--force]", "graftline discard 3fa9");
    add_tasks(d, discard.tasks)->required();
    d.add_flag("--force", discard.force, "Cancel it first if it runs");

    auto& x = command("clean", "Remove what is provably done with", "[--dry-run] [--force]",
                      "graftline clean --dry-run");
    x.add_flag("--dry-run", clean.dry_run, "Say what would be removed, do nothing");
    x.add_flag("--force", clean.force, "Failed, cancelled and conflicted tasks too, after saving their work");
}

void grammar::declare_other_commands()
{
    auto& s = command("shell", "A shell, or a command, in a task's worktree", "TASK [COMMAND ...]",
                      "graftline shell 3fa9 git log --oneline -3");
    add_task(s, shell.task)->required();

    auto& d = command("doctor", "Is everything here that is needed", "[--json]", "graftline doctor");
    add_json(d, doctor.json);

    auto& m = command("merge-tree", "Merge two commits without a checkout, as git merge-tree --write-tree",
                      "OURS THEIRS | --stdin", "graftline merge-tree main topic");
    m.add_option("OURS", merge_tree.ours, "A commit");
    m.add_option("THEIRS", merge_tree.theirs, "What is merged into it");
    m.add_flag("--stdin", merge_tree.from_input, "Read lines OURS THEIRS and answer each with one line");

    auto& c = command("completion", "Print a completion script for a shell", "bash|zsh|fish",
                      "source <(graftline completion bash)");
    c.add_option("SHELL", completion.shell, "bash, zsh or fish")
        ->required()
        ->check(CLI::IsMember(&completion_choices_));
}

} // namespace graftline::cli
