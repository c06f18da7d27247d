#include "graftline/effects/worktree/save_work.hpp"

#include "graftline/effects/landing/landing.hpp"
#include "graftline/effects/store/agent_files.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/git/rescue/rescue.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/process/left_commands.hpp"
#include "graftline/runtime/supervisor/attempt_files.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include <algorithm>

namespace graftline::effects {

awaitable<result<void>> end_agent(const task& t)
{
    if (t.attempt.empty()) co_return result<void>();
    auto alive = co_await supervised::adopt(t.attempt);
    if (!alive) co_return alive.error();
    if (*alive) {
        (*alive)->cancel();
        co_await (*alive)->wait();
    }
    co_await drop_temporary_of(t.attempt);
    co_return result<void>();
}

awaitable<result<void>> end_attempts(std::vector<std::filesystem::path> folders)
{
    auto stop = [&]() -> result<void> {
        for (const auto& folder : folders)
            if (auto stopped = stop_attempt(folder); !stopped) return stopped;
        return {};
    };
    if (auto stopped = co_await offload(stop); !stopped) co_return stopped;
    for (const auto& folder : folders) {
        auto alive = co_await supervised::adopt(folder);
        if (!alive) co_return alive.error();
        if (*alive) co_await (*alive)->wait();
    }
    co_return result<void>();
}

/// Is that what a git is for which moves the task's branch or lands it?
static bool is_for(const task& t, const std::string& purpose)
{
    if (!t.branch.empty() && purpose.starts_with("refs/heads/" + t.branch + ":")) return true;
    const auto named = purpose.find(landing_note);
    return named != purpose.npos && (purpose.substr(named) + " ").find(" " + t.id + " ") != purpose.npos;
}

awaitable<result<void>> end_all_of(const project& in, const task& t)
{
    std::vector<std::filesystem::path> attempts;
    std::error_code failed;
    for (std::filesystem::directory_iterator at(in.log_folder(t.id), failed), end; !failed && at != end;
         at.increment(failed))
        if (at->is_directory(failed)) attempts.push_back(at->path());
    auto ended = co_await end_attempts(std::move(attempts));
    if (ended) ended = co_await end_agent(t);
    if (!ended) co_return ended;
    auto end_commands = [&] {
        const std::chrono::milliseconds grace(t.spec.grace_ms);
        auto moving = end_commands_for([&](const std::string& what) { return is_for(t, what); }, grace);
        return !moving || t.worktree.empty() ? moving : end_commands_in(t.worktree, grace);
    };
    const auto commands = co_await offload(end_commands);
    if (!commands) co_return commands.error();
    co_return result<void>();
}

void forget_end(const std::filesystem::path& folder)
{
    exit_record none;
    none.how = ending::cancelled;
    none.words = "the disk could not be written to";
    none.started_at = none.ended_at = real_clock().now();
    const auto record = folder / attempt::exit_name;
    if (attempt::replace_file(record, attempt::to_json(none))) return;
    std::error_code ignored; // without a record it counts as lost
    std::filesystem::remove(record, ignored);
}

void forget_failed_end(const task& t)
{
    if (t.attempt.empty()) return;
    const auto record = read_exit_record(t.attempt);
    if (record && *record && (*record)->how == ending::exited && (*record)->code != 0) forget_end(t.attempt);
}

awaitable<result<void>> save_work(run& r, std::string id)
{
    auto t = co_await r.find(id);
    if (!t.owner.empty() && t.owner != r.id()) co_return result<void>(); // another run has it now
    if (auto ended = co_await end_agent(t); !ended) co_return ended.error().with("task", id);
    // A checkout that never finished would be saved as the deletion of all files.
    if (!t.worktree_ready) co_return result<void>();
    auto now = co_await follow_worktree(r, t);
    if (!now) co_return now.error();
    t = std::move(*now);
    const auto saved = co_await git::rescue(r.repository(), t.worktree, id);
    if (!saved)
        co_return saved.error()
            .with("task", id)
            .with("worktree", t.worktree)
            .advise("What its agent made lies in that worktree only.");
    if (*saved && std::ranges::find(t.rescues, **saved) == t.rescues.end())
        co_await r.change(id, [&](task& now) { now.rescues.push_back(**saved); });
    co_return result<void>();
}

namespace {

/// True when there was an agent to end.
awaitable<bool> end_agent_left(run& r, std::string id)
{
    const auto t = co_await r.find(id);
    if (!t.attempt_for.starts_with(r.id() + "/")) co_return false;
    const auto alive = (co_await supervised::adopt(t.attempt)).value();
    if (!alive) co_return false;
    (co_await save_work(r, id)).value();
    co_return true;
}

} // namespace

awaitable<void> end_agents_left(run& r, std::vector<std::string> ids)
{
    for (const auto& id : ids)
        try {
            if (co_await end_agent_left(r, id))
                r.watcher().note("The agent of " + id +
                                 " was not asked for any more: it is ended, its work saved.");
        } catch (const fault_error& e) {
            r.watcher().note(e.what());
        }
}

} // namespace graftline::effects
