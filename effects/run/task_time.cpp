#include "graftline/effects/run/task_time.hpp"

#include "graftline/git/repository/overdue.hpp"

#include <filesystem>

namespace graftline::effects {
namespace {

/// "git commit waits for the hook pre-commit, 20 s"; "npm ci, 20 s".
std::string words_for(const slow_command& slow, const std::string& who)
{
    const auto& words = slow.what.words();
    const bool is_git = words.front() == "git";
    const auto program = git::name_of_program(is_git ? slow.waits_for : words);
    std::string text = !who.empty() ? who : is_git ? git::name_of_git(words) : program;
    if (is_git && !program.empty()) text += " waits for " + program;
    if (is_git && program.empty() && !who.empty()) text += " waits for " + git::name_of_git(words);
    return text + ", " + std::to_string(slow.since.count()) + " s";
}

} // namespace

command_times::lease tell_of_slow(run& r, std::vector<std::string> tasks, command_times::predicate is_meant,
                                  std::string who)
{
    auto tell = [&r, tasks = std::move(tasks), is_meant = std::move(is_meant),
                 who = std::move(who)](const slow_command& slow) {
        if (!is_meant(slow.what)) return;
        for (const auto& task : tasks)
            r.watcher().doing(task, words_for(slow, who));
    };
    return command_times::of(r.executor())->tell(std::move(tell));
}

bool task_time::place::has(const command& what) const
{
    if (!branch.empty() && what.purpose().starts_with("refs/heads/" + branch + ":")) return true;
    if (worktree.empty()) return false;
    const auto below = what.folder().lexically_relative(worktree);
    return !below.empty() && *below.begin() != "..";
}

task_time::task_time(run& r, const std::string& task, std::int64_t left_ms)
{
    auto is_its = [its = place_](const command& what) { return its->has(what); };
    heard_ = tell_of_slow(r, {task}, is_its);
    if (left_ms <= 0) return;
    end_ = begun_ + std::chrono::milliseconds(left_ms);
    limit_ = command_times::of(r.executor())->end_at(end_, is_its);
}

void task_time::covers(const std::string& worktree, const std::string& branch)
{
    *place_ = {worktree, branch};
}

std::int64_t task_time::spent_ms() const
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(command_times::clock::now() - begun_)
        .count();
}

fault task_time::explained(fault why) const
{
    if (!why.is(errc::timed_out) || command_times::clock::now() < end_) return why;
    fault over(errc::timed_out, "the task's time is over: " + why.what());
    for (const auto& [key, value] : why.context())
        over.with(key, value);
    return std::move(over).advise(why.advice());
}

} // namespace graftline::effects
