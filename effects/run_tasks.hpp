/// The main job: many tasks carried out at once.
#pragma once

#include "graftline/effects/run/context.hpp"
#include "graftline/effects/tasks/task.hpp"
#include "graftline/effects/worktree/shared_watch.hpp"
#include "graftline/runtime/files/resources.hpp"

namespace graftline::effects {

/// How a run is to be carried out; the tasks say the rest themselves.
class run_options {
public:
    std::string program = "run";
    json::object arguments; ///< for the record; no prompts, no environments
    std::string target;
    std::size_t max = 0; ///< tasks at the same time; 0: as many as memory and CPU allow, at most five
    bool fail_fast = false;
    std::size_t speculation = 0; ///< landings tested at the same time; 0: as the settings say
    bool start_fresh = false;    ///< a retry begins in new worktrees; what was made before is rescued
    std::vector<task> fresh;     ///< tasks that are in no store yet: added with the run, and its own
    std::string resume;          ///< the id of a run to go on with; empty: a new one
};

/// How a run ended.
struct run_report {
    std::string run;
    std::string target;
    double duration_s = 0;
    bool interrupted = false;
    std::optional<fault> environment_fault; ///< what of the machine interrupted it; none: somebody did
    bool incomplete = false;                ///< a task did not land, or was not undone, though that was asked
    std::vector<task> tasks;                ///< in the order given, as they stand in the store
    shared_changes beside;                  ///< what has changed in the repository that is no task's
};

/// A run that can be stopped from outside its coroutine, for signal handlers. Stop it on the run's strand.
class stop_button {
public:
    /// Gracefully: no new effects, agents get TERM and are waited for, everything stays resumable.
    void press();
    /// What `press` does; set by the run, empty outside it.
    std::function<void()> on_press;
    bool pressed = false;
};

/// Stores `tasks` (state pending) and carries them out: dependencies first, higher priority first, at most
/// `options.max` agents at once; each one's work is committed, and landed and cleaned up where its spec says
/// so. A task that fails never takes its siblings along, unless `fail_fast`. Result: the report. Errors: only
/// what stops the whole run, such as an unusable store; task failures are in the tasks. Cancellation:
/// terminal, as `stop_button::press`: the result is the report then, too. Lifetime: borrows `watcher` and
/// `button` until completion.
awaitable<result<run_report>> run_tasks(std::shared_ptr<project> in, std::vector<task> tasks,
                                        run_options options, observer& watcher, stop_button& button);

/// min(5, what memory and CPU allow) and never less than one.
std::size_t default_parallelism(const resource_reading& now);

/// The counts and tasks of INTERFACE.md's `run --json`.
json::object to_public_json(const run_report& report);

} // namespace graftline::effects
