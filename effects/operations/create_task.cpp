#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/worktree/create_worktree.hpp"
#include "graftline/runtime/async/shielded.hpp"

namespace graftline::effects {

awaitable<result<task>> create_task(std::shared_ptr<project> in, task made, observer& watcher)
{
    made.spec.by_hand = true;
    if (auto stored = co_await in->stored([&](store& s) { s.add(made); }); !stored) co_return stored.error();
    stop_button button;
    run_options options;
    options.program = "create";
    options.target = made.spec.target;
    auto body = [&](run& r) -> awaitable<void> {
        context ctx(r, "0");
        co_await ctx.perform(create_worktree{made.id});
    };
    auto report = co_await as_run(in, {made.id}, options, watcher, button, body);
    // What did not come to be is forgotten; what did is kept even if recording the run's end failed.
    auto forget = [&](store& s) {
        auto t = s.find(made.id);
        if (t && !t->worktree_ready) s.forget(made.id);
        return t;
    };
    co_await asio::this_coro::throw_if_cancelled(false);
    auto kept = co_await shielded(in->stored(forget));
    co_await asio::this_coro::throw_if_cancelled(true);
    if (!kept) co_return kept.error();
    if (*kept && (*kept)->worktree_ready) co_return std::move(**kept);
    if (!report) co_return report.error();
    co_return fault(errc::interrupted, "interrupted: no worktree was made");
}

} // namespace graftline::effects
