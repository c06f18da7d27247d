#include "graftline/effects/task_end.hpp"

#include "graftline/effects/run/retry_policy.hpp"
#include "graftline/effects/worktree/save_work.hpp"

namespace graftline::effects {
namespace {

awaitable<void> record_failure(run& r, const std::string& id, const fault& why)
{
    const auto t = co_await r.find(id);
    if (t.worktree_ready) (void)co_await r.repository().flush(t.worktree); // the fault is what counts
    co_await r.change(id, [&](task& now) {
        if (now.owner != r.id()) return;
        const bool open = now.state == task_state::pending || now.state == task_state::running;
        // A merged task whose worktree could not be removed is still merged: only the reason says so.
        if (open && now.cancel_asked)
            now.state = task_state::cancelled;
        else if (may_become(now.state, task_state::failed) && now.state != task_state::completed)
            now.state = task_state::failed;
        if (r.repository().durable() == git::durability::power) now.attempt_boot.clear();
        now.reason = now.state == task_state::cancelled ? "cancelled" : why.message();
        now.finished_at = now_text();
    });
}

/// What a bug says; empty for a coroutine that was stopped.
std::string bug_in(const std::exception_ptr& escaped)
{
    try {
        std::rethrow_exception(escaped);
    } catch (const interrupted&) {
        return {};
    } catch (const boost::system::system_error& e) {
        return e.code() == asio::error::operation_aborted ? "" : e.what();
    } catch (const std::exception& e) {
        return e.what();
    }
}

std::string why_interrupted(const run& r)
{
    const auto& broken = r.environment_fault();
    return broken ? "interrupted: " + broken->what() : "interrupted";
}

awaitable<void> record_stop(run& r, const std::string& id)
{
    // Of a program that is not the recorded one nothing is known: agents are left to the right one.
    if (!r.past().failure())
        if (auto saved = co_await save_work(r, id); !saved) r.watcher().note(saved.error().message());
    if (r.environment_fault()) forget_failed_end(co_await r.find(id));
    const bool resumable = r.stopping();
    co_await r.change(id, [&](task& now) {
        if (now.owner != r.id()) return;
        if (now.state != task_state::pending && now.state != task_state::running) return;
        const bool asked = now.cancel_asked;
        now.state = resumable && !asked ? task_state::pending : task_state::cancelled;
        now.reason = asked       ? "cancelled"
                     : resumable ? why_interrupted(r)
                                 : "another task failed (--fail-fast)";
        now.finished_at = now_text();
    });
}

} // namespace

awaitable<task> record_end(run& r, std::string id, task_end how)
{
    if (how.failed && is_of_the_environment(*how.failed)) {
        r.environment_failed(*how.failed);
        how = {std::nullopt, std::make_exception_ptr(interrupted{})};
    }
    const auto bug = how.escaped ? bug_in(how.escaped) : std::string();
    if (!bug.empty())
        co_await record_failure(r, id, fault(errc::internal, "internal error: " + bug));
    else if (how.failed)
        co_await record_failure(r, id, *how.failed);
    else if (how.escaped)
        co_await record_stop(r, id);
    // What is interrupted stays this run's: whoever goes on with the run knows it by that.
    if (!how.escaped || !r.stopping()) co_await r.release(id);
    co_return co_await r.find(id);
}

} // namespace graftline::effects
