#include "graftline/effects/agent/settle_task.hpp"

#include "graftline/effects/worktree/shared_watch.hpp"
#include "graftline/runtime/async/shielded.hpp"

namespace graftline::effects {
namespace {

task_state state_after(std::string_view ending)
{
    if (ending == "cancelled") return task_state::cancelled;
    return ending == ending_spent ? task_state::pending : task_state::failed;
}

void settle(task& now, const settle_task& how)
{
    if (is_over(now.state)) return;
    if (how.done) {
        now.state = now.cancel_asked ? task_state::cancelled : task_state::completed;
        now.reason = now.cancel_asked ? "cancelled" : how.reason;
    } else {
        if (now.state == task_state::cancelled) return; // whoever cancelled it has recorded it
        now.state = state_after(how.ending);
        // The work is there, and a person may take it as it is.
        if (how.ending == ending_undecided) now.rejected = !now.commit.empty();
        now.reason = how.reason;
    }
    now.finished_at = now_text();
}

awaitable<result<settled>> flush_and_settle(run& r, const settle_task& asked)
{
    const auto before = co_await r.find(asked.task);
    // What was completed is on the disk since it was committed.
    if (!asked.done && before.worktree_ready)
        if (auto flushed = co_await r.repository().flush(before.worktree); !flushed)
            co_return flushed.error();
    const auto left = co_await left_by_task(r, before);
    const auto now = co_await r.change(asked.task, [&](task& t) {
        settle(t, asked);
        t.left = left;
        const bool has_nothing = t.state == task_state::completed && t.commit.empty();
        if (has_nothing && !left.empty())
            t.reason = reason_for(left) + (t.reason == "no changes" ? "" : "; " + t.reason);
        if (r.repository().durable() == git::durability::power) t.attempt_boot.clear();
    });
    co_return settled{std::string(to_string(now.state)), !left.empty()};
}

} // namespace

awaitable<result<settled>> settle_task::carry_out(run& r) const
{
    return shielded(flush_and_settle(r, *this));
}

} // namespace graftline::effects
