// cancel and discard: tasks that nobody wants to go on with.
#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/render/progress.hpp"
#include "graftline/cli/render/summary.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/effects/operations/operations.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::cli {
namespace {

/// Says what a task cannot be and goes on: the others are still to be dealt with.
int refuse(session& s, const fault& why)
{
    s.err().write(message_of(why));
    return exit_status_of(why);
}

} // namespace

awaitable<int> carry_out(session& s, cancel_arguments asked)
{
    auto in = co_await s.open_beside(asked.tasks);
    int status = exit_status::done;
    for (const auto& t : co_await s.find(*in, std::move(asked.tasks))) {
        const auto cancelled = co_await effects::cancel_task(in, t.id);
        if (cancelled)
            s.print(outcome_of(*cancelled, s.out()));
        else
            status = refuse(s, cancelled.error());
    }
    co_return status;
}

awaitable<int> carry_out(session& s, discard_arguments asked)
{
    auto in = co_await s.open_to_change();
    progress shown(co_await asio::this_coro::executor, s.err());
    noted_observer watcher(shown, s.log());
    int status = exit_status::done;
    std::string outcomes;
    for (const auto& t : co_await s.find(*in, std::move(asked.tasks))) {
        const auto discarded = co_await effects::discard_task(in, t.id, asked.force, watcher);
        if (discarded)
            outcomes += outcome_of(*discarded, s.out());
        else
            status = refuse(s, discarded.error());
    }
    shown.finish();
    s.print(outcomes);
    co_return status;
}

} // namespace graftline::cli
