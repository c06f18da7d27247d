/// What can be asked of tasks from any process, while a run goes on or after it. Each checks the task's state
/// first (lifecycle.hpp) and says what may be done instead. None is honoured half: cancellation before its
/// first change only, unless said otherwise. Errors not named: the store's and git's.
#pragma once

#include "graftline/effects/run/cleaned.hpp"
#include "graftline/effects/run_tasks.hpp"

#include <boost/describe.hpp>

namespace graftline::effects {

/// Makes the task's worktree and branch and leaves the task pending; no agent is started.
/// Errors: exists, unusable, no_space; nothing is left behind then, the task is not stored either.
awaitable<result<task>> create_task(std::shared_ptr<project> in, task made, observer& watcher);

/// Carries failed, cancelled, conflicted or interrupted tasks out again, in their worktrees where they still
/// have one and `options.start_fresh` is not set.
awaitable<result<run_report>> retry_tasks(std::shared_ptr<project> in, std::vector<std::string> ids,
                                          run_options options, observer& watcher, stop_button& button);

/// How `land` is asked to differ from what the tasks themselves say.
struct land_options {
    std::optional<land_mode> mode;
    std::optional<std::string> target;
    std::vector<std::vector<std::string>> gates; ///< empty: those of the tasks
    std::optional<std::string> into;             ///< branch that lands instead of the target
    bool keep_worktrees = false;
    bool may_undo = false;       ///< lines that landed since a task began may go
    bool test_again = false;     ///< remembered verdicts of gates do not count
    std::size_t speculation = 0; ///< landings tested at the same time; 0: as the settings say
};
BOOST_DESCRIBE_STRUCT(land_options, (),
                      (mode, target, gates, into, keep_worktrees, may_undo, test_again, speculation))

/// Lands tasks, those that others come after first, then by priority, then in the order given, and removes
/// their worktrees and branches.
awaitable<result<run_report>> land_tasks(std::shared_ptr<project> in, std::vector<std::string> ids,
                                         land_options options, observer& watcher, stop_button& button);

/// Takes back what tasks landed, the latest first, as new commits on their targets through the same queue and
/// gates (`gates`; empty: those of the tasks). Each is completed again, and can be landed anew.
awaitable<result<run_report>> undo_tasks(std::shared_ptr<project> in, std::vector<std::string> ids,
                                         std::vector<std::vector<std::string>> gates, observer& watcher,
                                         stop_button& button);

/// Asks again for the landings or undoings of an interrupted run, as it was asked for them, as a run of its
/// own: for those of `tasks` for which they are not done. `held`: the interrupted run's lock, let go once the
/// new run is on record and the old one has ended.
awaitable<result<run_report>> ask_again(std::shared_ptr<project> in, run_record interrupted,
                                        std::vector<task> tasks, file_lock::lease held, observer& watcher,
                                        stop_button& button);

/// Ends a task: one that waits is not started; of one that runs or lands, agent, gates, set-up commands, the
/// gits that land it, hooks and filters get TERM, KILL after its grace; waits for their end. Its worktree and
/// branch stay. Result: the task as it is then: merged, when its landing had come too far. Errors: busy, when
/// a landing does not end within its grace and 20 s.
awaitable<result<task>> cancel_task(std::shared_ptr<project> in, std::string id);

/// Gives a task up: rescues what no ref reaches, removes worktree and branch. `force` cancels it first if it
/// runs.
awaitable<result<task>> discard_task(std::shared_ptr<project> in, std::string id, bool force,
                                     observer& watcher);

/// Commits what lies in a task's worktree in conventional form. Result: the commit, or nothing when nothing
/// changed. A failed or cancelled task is completed by it: a person has finished it by hand.
awaitable<result<std::optional<std::string>>> commit_task(std::shared_ptr<project> in, std::string id,
                                                          std::string message, std::string type,
                                                          std::string scope, observer& watcher);

/// Removes what is provably done with: worktrees and branches of landed, discarded and empty tasks, abandoned
/// scratch worktrees, stale locks, and, by the settings' [clean], logs, verdicts and journals of what is long
/// over; lists what is left with the reason. `force` discards failed, cancelled and
/// conflicted tasks too, after a rescue. `dry_run` only tells, and changes nothing at all.
awaitable<result<std::vector<cleaned>>> clean(std::shared_ptr<project> in, bool dry_run, bool force,
                                              observer& watcher);

/// Ends git commands, hooks and set-up commands that a graftline of a run here left running when it was
/// killed: nobody hears them, and what is started next would meet them at their work. TERM, KILL after a few
/// seconds.
awaitable<result<void>> end_what_the_dead_left(project& in);

/// Ends what dead processes left running, mends what git's own commit race may have left in a checkout that
/// followed a landing, and brings tasks whose run died without recording it into a state that can be retried.
/// For the start of every command that changes something. Result: how many there were.
awaitable<result<std::size_t>> reconcile(std::shared_ptr<project> in);

} // namespace graftline::effects
