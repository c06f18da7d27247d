#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/commands/run_frame.hpp"
#include "graftline/cli/session/wanted_tasks.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/effects/operations/operations.hpp"

#include <algorithm>

namespace graftline::cli {
namespace {

/// What a run landed; nothing when `handle` does not begin the id of exactly one run.
awaitable<std::vector<effects::task>> landed_by(effects::project& in, std::string handle)
{
    const auto runs = co_await in.must_store([](effects::store& st) { return st.runs(); });
    std::vector<effects::task> landed;
    const auto is_it = [&](const effects::run_record& r) { return r.id.starts_with(handle); };
    if (!handle.starts_with("run-") || std::ranges::count_if(runs, is_it) != 1) co_return landed;
    const auto found = std::ranges::find_if(runs, is_it);
    for (auto& t : co_await in.must_store([&](effects::store& st) { return st.tasks_of(found->id); }))
        if (t.state == effects::task_state::merged && !t.landed.empty()) landed.push_back(std::move(t));
    if (landed.empty())
        throw fault_error(
            fault(errc::refused, "the run has landed nothing that is not undone").with("run", found->id));
    co_return landed;
}

} // namespace

awaitable<int> carry_out(session& s, undo_arguments asked)
{
    auto in = co_await s.open_to_change();
    const auto gates = read_gates(asked.gates).value();
    std::vector<effects::task> tasks;
    for (const auto& handle : asked.what) {
        auto of_run = in->has_state() ? co_await landed_by(*in, handle) : std::vector<effects::task>();
        if (of_run.empty()) of_run.push_back(co_await s.find(*in, handle));
        for (auto& t : of_run)
            if (std::ranges::count(tasks, t.id, &effects::task::id) == 0) tasks.push_back(std::move(t));
    }
    const auto ids = effects::ids_of(tasks);
    co_return co_await carry_out_visibly(s, in, tasks, asked.json,
                                         [&](effects::observer& watcher, effects::stop_button& button) {
                                             return effects::undo_tasks(in, ids, gates, watcher, button);
                                         });
}

} // namespace graftline::cli
