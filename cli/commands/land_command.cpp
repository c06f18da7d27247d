#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/commands/run_frame.hpp"
#include "graftline/cli/session/wanted_tasks.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/effects/operations/operations.hpp"

namespace graftline::cli {
namespace {

/// Every task that has work of its own which is on no target yet, oldest first.
awaitable<std::vector<effects::task>> all_that_may_land(effects::project& in)
{
    std::vector<effects::task> some;
    if (!in.has_state()) co_return some;
    const auto completed = [](effects::store& st) { return st.tasks_in({effects::task_state::completed}); };
    for (auto& t : co_await in.must_store(completed))
        if (!t.commit.empty()) some.push_back(std::move(t));
    co_return some;
}

} // namespace

awaitable<int> carry_out(session& s, land_arguments asked)
{
    auto in = co_await s.open_to_change();
    effects::land_options options;
    if (!asked.mode.empty()) options.mode = effects::land_mode_named(asked.mode).value();
    if (!asked.target.empty()) options.target = asked.target;
    options.gates = read_gates(asked.gates).value();
    if (!asked.into.empty())
        options.into = asked.into;
    else if (asked.target.empty())
        options.into = in->settings().landing.into;
    options.keep_worktrees = asked.keep_worktrees;
    options.may_undo = asked.allow_undo;
    options.test_again = asked.retest;
    options.speculation = asked.speculate;

    const auto tasks =
        asked.all ? co_await all_that_may_land(*in) : co_await s.find(*in, std::move(asked.tasks));
    if (tasks.empty()) {
        if (asked.json)
            s.print_json(effects::to_public_json(effects::run_report()));
        else
            s.print("There is nothing to land.\n");
        co_return exit_status::done;
    }
    const auto ids = effects::ids_of(tasks);
    co_return co_await carry_out_visibly(s, in, tasks, asked.json,
                                         [&](effects::observer& watcher, effects::stop_button& button) {
                                             return effects::land_tasks(in, ids, options, watcher, button);
                                         });
}

} // namespace graftline::cli
