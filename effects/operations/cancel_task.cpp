#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/run/other_user.hpp"
#include "graftline/effects/worktree/save_work.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>

namespace graftline::effects {
namespace {

void record_cancelled(task& now)
{
    if (now.state != task_state::pending && now.state != task_state::running) return;
    now.state = task_state::cancelled;
    now.reason = "cancelled";
    now.finished_at = now_text();
}

/// Whoever lands it sees that it was asked to be given up, at the latest when the git that moved the target
/// has ended: one that is begun at this very moment is ended, too. Result: what the landing came to.
awaitable<result<task>> end_landing(std::shared_ptr<project> in, task asked)
{
    using namespace std::chrono_literals;
    const auto limit =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(asked.spec.grace_ms) + 20s;
    asio::steady_timer again(co_await asio::this_coro::executor);
    for (;;) {
        if (auto ended = co_await end_all_of(*in, asked); !ended) co_return ended.error();
        const auto now = co_await in->stored([&](store& s) { return s.resolve(asked.id); });
        if (!now) co_return now.error();
        const bool goes_on = now->state == task_state::completed && now->owner == asked.owner &&
                             now->reason == asked.reason && run::is_alive(*in, now->owner);
        if (!goes_on) co_return *now;
        if (std::chrono::steady_clock::now() > limit)
            co_return fault(errc::busy, "its landing was asked to end, and has not yet")
                .with("task", asked.id)
                .with("run", asked.owner)
                .advise("It is given up before it moves the target: graftline status " + asked.id);
        again.expires_after(100ms); // the other process tells nobody when it lets go
        co_await again.async_wait(use_awaitable);
    }
}

} // namespace

awaitable<result<task>> cancel_task(std::shared_ptr<project> in, std::string id)
{
    const auto found = co_await in->stored([&](store& s) { return s.resolve(id); });
    if (!found) co_return found.error();
    if (auto ours = check_ours_to_end(*in, *found); !ours) co_return ours.error();
    // Asked in the store first: a task between two effects sees it there, one that waits is never started.
    const auto asked = co_await in->stored([&](store& s) {
        const auto t = s.resolve(id);
        return s.change(t.id, [&](task& now) {
            const bool lands = now.state == task_state::completed && run::is_alive(*in, now.owner);
            if (!lands) check_operation(now.id, now.state, operation::cancel).value();
            now.cancel_asked = true;
            if (now.state == task_state::pending) record_cancelled(now);
        });
    });
    if (!asked || (asked->state != task_state::running && asked->state != task_state::completed))
        co_return asked;
    if (asked->state == task_state::completed) co_return co_await end_landing(in, *asked);
    if (auto ended = co_await end_all_of(*in, *asked); !ended) co_return ended.error();
    co_return co_await in->stored([&](store& s) { return s.change(asked->id, record_cancelled); });
}

} // namespace graftline::effects
