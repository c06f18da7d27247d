#include "graftline/agents/agent/agent_environment.hpp"
#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/effects/checkout/worktree_command.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/runtime/process/child.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

namespace graftline::cli {
namespace {

std::vector<std::string> environment_of(const git::repository& repo, const effects::task& t)
{
    agents::agent_context context;
    context.id = t.id;
    context.key = t.key;
    context.description = t.spec.description;
    context.worktree = t.worktree;
    context.branch = t.branch;
    context.base = t.base;
    context.target = target_of(t);
    context.plan = t.spec.plan;
    context.attempt = t.attempts;
    context.port_base = t.port_base;
    context.git = effects::rules_in(repo, t.worktree);
    context.extra.push_back(t.spec.env);
    return agents::agent_environment(current_environment(), context);
}

std::vector<char*> pointers_to(std::vector<std::string>& words)
{
    std::vector<char*> pointers;
    for (auto& word : words)
        pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
}

/// Becomes the command: the terminal, its signals and the exit status are then its own. Returns only when it
/// cannot.
fault become(std::vector<std::string> words, std::vector<std::string> environment, const std::string& folder)
{
    if (::chdir(folder.c_str()) != 0)
        return system_fault(errno, "the worktree cannot be entered").with("worktree", folder);
    ::setenv("PWD", folder.c_str(), 1);
    std::signal(SIGPIPE, SIG_DFL);
    auto arguments = pointers_to(words);
    auto variables = pointers_to(environment);
    ::execvpe(arguments[0], arguments.data(), variables.data());
    const error_code cause(errno, boost::system::system_category());
    return fault(errc::could_not_start, "the command could not be started")
        .with("program", words.front())
        .with("cause", cause.message());
}

} // namespace

awaitable<int> carry_out(session& s, shell_arguments asked)
{
    auto in = co_await s.open();
    const auto t = co_await s.find(*in, asked.task);
    if (!effects::is_worktree_there(t).value()) {
        fault f(errc::refused,
                t.worktree.empty() ? "the task has no worktree" : "the task's worktree is away");
        if (!t.worktree.empty())
            f.with("worktree", t.worktree).advise("If it was moved, tell git: git worktree repair FOLDER");
        f.with("task", t.id).with("state", std::string(to_string(t.state)));
        if (!t.branch.empty()) f.with("branch", t.branch);
        throw fault_error(std::move(f));
    }
    if (!t.worktree_ready)
        throw fault_error(fault(errc::refused, "the task's worktree was never finished")
                              .with("task", t.id)
                              .with("worktree", t.worktree)
                              .advise("It is made anew when the task goes on: graftline resume, or graftline "
                                      "retry " +
                                      t.id));
    auto words = std::move(asked.command);
    if (words.empty()) {
        const char* shell = std::getenv("SHELL");
        words.push_back(shell && *shell ? shell : "/bin/sh");
    }
    throw fault_error(become(std::move(words), environment_of(in->repository(), t), t.worktree));
    co_return exit_status::not_all;
}

} // namespace graftline::cli
