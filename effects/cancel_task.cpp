#include "graftline/effects/operations.hpp"
#include "graftline/effects/save_work.hpp"

namespace graftline::effects {
namespace {

void record_cancelled(task& now)
{
    if (now.state != task_state::pending && now.state != task_state::running) return;
    now.state = task_state::cancelled;
    now.reason = "cancelled";
    now.finished_at = now_text();
}

} // namespace

awaitable<result<task>> cancel_task(std::shared_ptr<project> in, std::string id)
{
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
    if (auto ended = co_await end_all_of(*in, *asked); !ended) co_return ended.error();
    if (asked->state == task_state::completed) co_return asked; // whoever lands it sees that it was asked
    co_return co_await in->stored([&](store& s) { return s.change(asked->id, record_cancelled); });
}

} // namespace graftline::effects
