#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/commands/run_frame.hpp"
#include "graftline/effects/operations/resume_run.hpp"

namespace graftline::cli {

awaitable<int> carry_out(session& s, resume_arguments asked)
{
    auto in = co_await s.open_to_change();
    const auto record = (co_await effects::run_named(in, asked.run)).value();
    std::vector<effects::task> tasks;
    for (const auto& id : record.tasks)
        tasks.push_back(co_await s.find(*in, id));
    co_return co_await carry_out_visibly(s, in, tasks, asked.json,
                                         [&](effects::observer& watcher, effects::stop_button& button) {
                                             return effects::resume_run(in, record.id, watcher, button);
                                         });
}

awaitable<void> tell_of_interrupted_runs(session& s, std::shared_ptr<effects::project> in)
{
    const auto runs = co_await effects::interrupted_runs(std::move(in));
    if (!runs) co_return; // what is wrong will be said by what comes next
    for (const auto& r : *runs)
        s.err().write("graftline: " + std::to_string(r.open.size()) +
                      (r.open.size() == 1 ? " task" : " tasks") + " of run " + r.record.id +
                      (r.open.size() == 1 ? " was" : " were") + " interrupted: graftline resume " +
                      r.record.id + "\n");
}

} // namespace graftline::cli
