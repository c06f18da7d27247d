/// One invocation: what effects are carried out in, who watches, and how it is stopped.
#pragma once

#include "graftline/effects/journal/replay.hpp"
#include "graftline/effects/run/agent_pauses.hpp"
#include "graftline/effects/store/project.hpp"
#include "graftline/effects/tasks/task.hpp"
#include "graftline/git/refs/shared_state.hpp"
#include "graftline/runtime/async/scope.hpp"
#include "graftline/runtime/base/services.hpp"
#include "graftline/runtime/files/file_lock.hpp"

#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace graftline::effects {

/// Told what happens, on the run's strand. Must not block and must not throw.
class observer {
public:
    virtual ~observer() = default;
    /// A task is in another state, or something else that is shown of it has changed.
    virtual void changed(const task&) {}
    /// A line that a task's agent printed.
    virtual void said(const std::string& /*task*/, std::string_view /*line*/) {}
    /// What a task is busy with between its states: "waiting for a free place", "gate: make test".
    virtual void doing(const std::string& /*task*/, std::string_view /*what*/) {}
    /// Something that the user should know and that is no task's.
    virtual void note(std::string_view /*sentence*/) {}
};

/// A run that goes on. Its lock file is held while its process lives, so that others can tell.
class run {
public:
    /// Registers the run in the store, together with tasks that are `fresh`: they are the run's from the
    /// start, so that no crash leaves them to nobody. Errors: those of the store and of the lock.
    static awaitable<result<std::shared_ptr<run>>> begin(std::shared_ptr<project> in, run_record record,
                                                         observer& watcher, std::vector<task> fresh = {});
    ~run();

    /// Goes on with a run that was interrupted or whose process died, with what it has on record. Errors:
    /// not_found; refused when it has ended; busy, with pid and start time of its owner, when it goes on;
    /// corrupt when its journal does not read back.
    static awaitable<result<std::shared_ptr<run>>> resume(std::shared_ptr<project> in, std::string id,
                                                          observer& watcher);
    /// Waits until all of its effects are recorded, records how it ended and lets go of its lock. Errors:
    /// those of the store; refused when the program was not the one that is on record.
    awaitable<result<void>> end();

    project& in() noexcept { return *project_; }
    git::repository& repository() noexcept { return project_->repository(); }
    const std::string& id() const noexcept { return record_.id; }
    const run_record& record() const noexcept { return record_; }
    /// What it has on record from before; nothing for a new run.
    replay& past() noexcept { return *past_; }
    bool is_resumed() const noexcept { return resumed_; }
    /// Awaits what only another strand of the run can bring about: a strand that waits so is at rest. For
    /// those without a context; a body has context::at_rest and context::external.
    template <class T> awaitable<T> at_rest(awaitable<T> wait)
    {
        const replay::resting resting(*past_);
        co_return co_await std::move(wait);
    }
    observer& watcher() noexcept { return watcher_; }

    /// No new effects from now on; what runs is ended gracefully by the cancellation that the caller emits
    /// next.
    void stop() noexcept
    {
        stopping_ = true;
        past_->stop();
    }
    bool stopping() const noexcept { return stopping_; }
    /// The machine failed an effect, or what records it: the run is stopped as by the user, so that it can be
    /// gone on with. The first such fault is what is said of it.
    void environment_failed(fault why);
    const std::optional<fault>& environment_fault() const noexcept { return environment_fault_; }
    /// Called at the first; cancels the run's body.
    std::function<void()> on_environment_fault;
    /// Under --fail-fast: what has not ended is cancelled, for good.
    void give_up() noexcept { giving_up_ = true; }
    /// No further effect is to begin.
    bool is_over() const noexcept { return stopping_ || giving_up_; }

    /// Changes a task in the store and tells the watcher. `when`: as for store::change. Throws fault_error.
    awaitable<task> change(std::string id, std::function<void(task&)> edit, lasting when = lasting::at_once);
    awaitable<task> find(std::string id);

    /// Makes the task this run's own, in one transaction with `edit`, which may refuse by throwing. Busy when
    /// another run that lives works on it; one that is just finishing is waited for, a few seconds.
    awaitable<task> take(std::string id, std::function<void(task&)> edit);
    /// Lets go of a task. Not cancellable; faults are kept to itself: a dead owner counts as none.
    awaitable<void> release(std::string id);

    /// What all tasks of the run share, such as the queues of landings.
    graftline::services& services() noexcept { return services_; }

    /// What all worktrees shared when the run began; none before that was looked at.
    const std::optional<git::shared_state>& began_from() const noexcept { return began_from_; }
    void begin_from(git::shared_state state) { began_from_ = std::move(state); }

    /// Which agents are not to be started for now.
    agent_pauses& pauses() noexcept { return pauses_; }

    /// What the time of the run is told by.
    clock& time() const noexcept { return *project_->time; }

    /// How many landings are tested at the same time, instead of what the settings say; 0 leaves it to them.
    void speculate(std::size_t landings) noexcept { speculation_ = landings; }
    std::size_t speculation() const noexcept { return speculation_; }

    /// What goes on beside the run's body; whoever began the run joins it before the end.
    scope& beside() noexcept { return beside_; }
    const asio::any_io_executor& executor() const noexcept { return executor_; }

    /// The lock that its owner has, so that nobody else goes on with a run meanwhile; none while it has one.
    static awaitable<result<std::optional<file_lock::lease>>> hold(const project& in, std::string run_id);
    /// Is the process that carries `run_id` out alive? By its lock, from any process.
    static bool is_alive(const project& in, const std::string& run_id);
    /// Whose the run is while it goes on: the file belongs to the user who carries it out.
    static std::filesystem::path lock_file(const project& in, const std::string& run_id);
    /// Did a process die that carried a run out? It has left the run's lock file. Blocks for a look at each.
    static bool has_died(const project& in);

    /// Where a run keeps the tasks that it brought, as it was given them, until its end: for a database that
    /// is lost.
    static std::filesystem::path tasks_file(const project& in, const std::string& run_id);
    /// Where a run keeps until its end what all worktrees shared when it began.
    static std::filesystem::path shared_file(const project& in, const std::string& run_id);
    /// Tasks in a file of that kind; none when it does not read back.
    static std::vector<task> tasks_in_file(const std::filesystem::path& file);

private:
    friend class simulation; // in tests
    run(std::shared_ptr<project> in, run_record record, observer& watcher, file_lock::lease alive,
        asio::any_io_executor executor);

    std::shared_ptr<project> project_;
    run_record record_;
    observer& watcher_;
    std::shared_ptr<replay> past_;
    std::optional<file_lock::lease> alive_;
    asio::any_io_executor executor_;
    graftline::services services_;
    agent_pauses pauses_;
    std::optional<git::shared_state> began_from_;
    scope beside_;
    std::size_t speculation_ = 0;
    bool stopping_ = false;
    bool resumed_ = false;
    bool giving_up_ = false;
    std::optional<fault> environment_fault_;
};

/// Why a run cannot be resumed: its owner lives, or there is nothing left of it.
fault is_carried_out(const run_record& r);
fault has_ended(const run_record& r);

} // namespace graftline::effects
