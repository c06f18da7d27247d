#include "graftline/effects/settle_task.hpp"

#include "graftline/runtime/shielded.hpp"

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
    const auto now = co_await shielded(r.change(task, [this](effects::task& t) { settle(t, *this); }));
    co_return settled{std::string(to_string(now.state))};
}

} // namespace graftline::effects
