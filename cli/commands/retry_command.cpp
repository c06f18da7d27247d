#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/commands/run_frame.hpp"
#include "graftline/effects/operations/operations.hpp"

namespace graftline::cli {

awaitable<int> carry_out(session& s, retry_arguments asked)
{
    auto in = co_await s.open_to_change();
    const auto tasks = co_await s.find(*in, std::move(asked.tasks));
    const auto ids = effects::ids_of(tasks);
    effects::run_options options;
    options.max = asked.max > 0 ? asked.max : in->settings().run.max.value_or(0);
    options.start_fresh = asked.fresh;
    options.target = tasks.front().spec.target;
    co_return co_await carry_out_visibly(s, in, tasks, asked.json,
                                         [&](effects::observer& watcher, effects::stop_button& button) {
                                             return effects::retry_tasks(in, ids, options, watcher, button);
                                         });
}

} // namespace graftline::cli
