#include "graftline/effects/landing/landing_intent.hpp"
#include "graftline/effects/operations/finish_discards.hpp"
#include "graftline/effects/operations/operations.hpp"
#include "graftline/git/landing/move_target.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/process/left_commands.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

namespace graftline::effects {
namespace {

/// A task left running by a run whose process is gone. An agent that outlived it is left to its supervisor,
/// and the task running: whoever goes on with the run adopts it.
awaitable<result<bool>> release(project& in, const task& t)
{
    if (!t.attempt.empty()) {
        const auto alive = co_await supervised::adopt(t.attempt);
        if (!alive) co_return alive.error();
        if (*alive) co_return false;
    }
    auto changed = co_await in.stored([&](store& s) {
        return s.change(t.id, [&](task& now) {
            if (now.state != task_state::running || now.owner != t.owner) return;
            // Nobody could carry on what it is not known how to.
            now.state = now.cancel_asked      ? task_state::cancelled
                        : has_agent(now.spec) ? task_state::pending
                                              : task_state::failed;
            now.reason = now.cancel_asked      ? "cancelled"
                         : has_agent(now.spec) ? "interrupted: the graftline that carried it out is gone"
                                               : "its agent, which belonged to no run any more, has ended";
            now.finished_at = now_text(); // its owner stays: by that a resumed run knows it
        });
    });
    if (!changed) co_return changed.error();
    co_return true;
}

} // namespace

awaitable<result<void>> end_what_the_dead_left(project& in)
{
    using namespace std::chrono_literals;
    auto end = [&in]() -> result<std::size_t> {
        if (!run::has_died(in)) return std::size_t{0};
        return end_commands_of_the_dead(5s);
    };
    const auto ended = co_await offload(end);
    if (!ended) co_return ended.error();
    co_return result<void>();
}

awaitable<result<std::size_t>> reconcile(std::shared_ptr<project> in)
{
    if (auto ended = co_await end_what_the_dead_left(*in); !ended) co_return ended.error();
    if (auto mended = co_await git::repair_index(in->repository()); !mended) co_return mended.error();
    if (auto mended = co_await recover_landings(in); !mended) co_return mended.error();
    const auto owned = co_await in->stored([](store& s) {
        s.check_runs(); // a command that changes something is what mends them
        return s.owned_tasks();
    });
    if (!owned) co_return owned.error();
    if (auto finished = co_await finish_discards(*in, *owned); !finished) co_return finished.error();
    const auto tasks = co_await in->stored([](store& s) { return s.tasks_in({task_state::running}); });
    if (!tasks) co_return tasks.error();
    std::size_t released = 0;
    for (const auto& t : *tasks) {
        if (run::is_alive(*in, t.owner)) continue;
        const auto done = co_await release(*in, t);
        if (!done) co_return done.error();
        if (*done) ++released;
    }
    co_return released;
}

} // namespace graftline::effects
