#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/create_worktree.hpp"
#include "graftline/effects/operations.hpp"

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
    if (report) co_return std::move(report->tasks.front());
    auto forgotten = co_await in->stored([&](store& s) { s.forget(made.id); });
    co_return report.error();
}

} // namespace graftline::effects
