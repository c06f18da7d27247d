#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/render/progress.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/effects/operations/operations.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::cli {

awaitable<int> carry_out(session& s, commit_arguments asked)
{
    auto in = co_await s.open_to_change();
    const auto t = co_await s.find(*in, asked.task);
    progress shown(co_await asio::this_coro::executor, s.err());
    noted_observer watcher(shown, s.log());
    const auto made =
        (co_await effects::commit_task(in, t.id, asked.message, asked.type, asked.scope, watcher)).value();
    shown.finish();
    s.print(made ? "Committed " + made->substr(0, 10) + " on " + t.branch + "\n"
                 : "There is nothing to commit in " + t.worktree + "\n");
    co_return exit_status::done;
}

} // namespace graftline::cli
