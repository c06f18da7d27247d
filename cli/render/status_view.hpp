/// What `status` knows and how it is shown.
#pragma once

#include "graftline/cli/terminal/terminal.hpp"
#include "graftline/effects/radar/overlap_record.hpp"
#include "graftline/effects/run/run.hpp"
#include "graftline/effects/store/project.hpp"
#include "graftline/runtime/files/resources.hpp"

#include <boost/json/object.hpp>

#include <set>
#include <string>
#include <vector>

namespace graftline::cli {

/// Everything at one moment. Reading it changes nothing and makes no state.
struct status_view {
    std::vector<effects::task> tasks;
    std::vector<effects::run_record> runs;
    std::set<std::string> alive;                     ///< ids of runs whose process lives
    std::set<std::string> interrupted;               ///< of those that can be gone on with
    std::vector<effects::overlap> overlaps;          ///< as a run saw them last
    std::vector<effects::unreadable_row> unreadable; ///< tasks and runs that are in none of the others
    resource_reading resources;

    static awaitable<status_view> read(std::shared_ptr<effects::project> in, cpu_meter& cpu);

    /// A task that is said to run, but whose run has died.
    bool is_abandoned(const effects::task& t) const;
};

boost::json::object as_json(const status_view& view);
/// A table of tasks, the runs that go on or could (with `all`: every run), and the resources. `columns`: cut
/// to this width.
std::string as_text(const status_view& view, const terminal& on, std::size_t columns, bool all = false);
/// Everything about one task, with the commands to go on.
std::string details_of(const effects::task& t, const status_view& view, const terminal& on);

} // namespace graftline::cli
