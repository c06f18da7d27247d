#include "graftline/effects/run_tasks.hpp"

#include "graftline/effects/carry_out.hpp"

#include <boost/json/value_from.hpp>

#include <algorithm>
#include <thread>

namespace graftline::effects {

void stop_button::press()
{
    pressed = true;
    if (on_press) on_press();
}

awaitable<result<run_report>> run_tasks(std::shared_ptr<project> in, std::vector<task> tasks,
                                        run_options options, observer& watcher, stop_button& button)
{
    std::vector<std::string> ids;
    for (const auto& t : tasks)
        ids.push_back(t.id);
    options.fresh = std::move(tasks);
    co_return co_await carry_out(std::move(in), std::move(ids), std::move(options), watcher, button,
                                 [](task&) {});
}

std::size_t default_parallelism(const resource_reading& now)
{
    // Agents mostly wait for their model: some per core; each needs room for itself and what it builds.
    const auto by_cpu = std::max(1u, std::thread::hardware_concurrency()) * 4.0;
    const auto by_memory = now.memory_available_gb > 0 ? now.memory_available_gb / 1.0 : 5.0;
    return static_cast<std::size_t>(std::clamp(std::min(by_cpu, by_memory), 1.0, 5.0));
}

json::object to_public_json(const run_report& report)
{
    std::map<task_state, int> count;
    json::array tasks;
    for (const auto& t : report.tasks) {
        ++count[t.state];
        tasks.push_back(to_public_json(t));
    }
    return {{"run", report.run},
            {"target", report.target.empty() ? json::value(nullptr) : json::value(report.target)},
            {"duration_s", report.duration_s},
            {"merged", count[task_state::merged]},
            {"completed", count[task_state::completed]},
            {"failed", count[task_state::failed]},
            {"conflicted", count[task_state::conflicted]},
            {"cancelled", count[task_state::cancelled]},
            {"pending", count[task_state::pending]},
            {"interrupted", report.interrupted},
            {"foreign", json::value_from(report.beside.foreign)},
            {"left", json::value_from(report.beside.left)},
            {"lost", json::value_from(report.beside.lost)},
            {"tasks", std::move(tasks)}};
}

} // namespace graftline::effects
