#include "graftline/effects/settle_task.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::effects {
namespace {

void settle(task& now, const settle_task& how)
{
    if (is_over(now.state)) return;
    if (how.done) {
        now.state = now.cancel_asked ? task_state::cancelled : task_state::completed;
        now.reason = now.cancel_asked ? "cancelled" : how.reason;
    } else {
        if (now.state == task_state::cancelled) return; // whoever cancelled it has recorded it
        now.state = how.ending == "cancelled" ? task_state::cancelled : task_state::failed;
        now.reason = how.reason;
    }
    now.finished_at = now_text();
}

} // namespace

awaitable<result<settled>> settle_task::carry_out(run& r) const
{
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    auto settling = [&]() -> awaitable<result<settled>> {
        const auto before = co_await r.find(task);
        // What was completed is on the disk since it was committed.
        if (!done && before.worktree_ready)
            if (auto flushed = co_await r.repository().flush(before.worktree); !flushed)
                co_return flushed.error();
        const auto now = co_await r.change(task, [this](effects::task& t) { settle(t, *this); });
        co_return settled{std::string(to_string(now.state))};
    };
    auto how = co_await settling();
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    co_return how;
}

} // namespace graftline::effects
