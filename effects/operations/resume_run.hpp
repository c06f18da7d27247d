/// Going on with a run after a crash or an interruption.
#pragma once

#include "graftline/effects/run_tasks.hpp"

namespace graftline::effects {

/// A run that was interrupted, or whose process died, with tasks that are not over.
struct interrupted_run {
    run_record record;
    std::vector<task> open;
};

/// All of them, oldest first. Reads what they left, however much else is stored.
awaitable<result<std::vector<interrupted_run>>> interrupted_runs(std::shared_ptr<project> in);

/// Replays the run's program with its recorded tasks, options and configuration: what has an outcome on
/// record is not done again, agents that live are adopted, the rest is carried out. `id`: the run's, or the
/// unique beginning of one; empty: the newest that is interrupted. Landings and undoings that were asked for
/// by themselves are asked for again, for what they had not done yet, as a new run. Result, cancellation,
/// lifetimes: as for run_tasks. Errors: not_found; refused for a run that has ended, or when the program is
/// not the recorded one; busy, with pid and start time of its owner, for one that goes on; corrupt.
awaitable<result<run_report>> resume_run(std::shared_ptr<project> in, std::string id, observer& watcher,
                                         stop_button& button);

/// The run that `handle` means, as for `resume_run`; one that has ended too.
awaitable<result<run_record>> run_named(std::shared_ptr<project> in, std::string handle);

} // namespace graftline::effects
