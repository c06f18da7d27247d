#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/render/progress.hpp"
#include "graftline/cli/render/summary.hpp"
#include "graftline/cli/session/wanted_tasks.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/effects/operations/operations.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::cli {

awaitable<int> carry_out(session& s, create_arguments asked)
{
    auto in = co_await s.open_to_change();
    auto wanted = read_tasks({asked.task}, "", in->settings()).value();
    auto defaults = read_defaults(asked.how, wanted, in->settings()).value();
    defaults.by_hand = true;
    auto tasks = (co_await effects::make_tasks(in, std::move(wanted.tasks), std::move(defaults))).value();

    progress shown(co_await asio::this_coro::executor, s.err());
    noted_observer watcher(shown, s.log());
    const auto made = (co_await effects::create_task(in, std::move(tasks.front()), watcher)).value();
    shown.finish();
    if (asked.json)
        s.print_json(effects::to_public_json(made));
    else
        s.print(outcome_of(made, s.out()));
    co_return exit_status::done;
}

} // namespace graftline::cli
