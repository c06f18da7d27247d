#include "graftline/effects/run/run.hpp"

#include "graftline/effects/db/stored_json.hpp"
#include "graftline/effects/store/agent_files.hpp"
#include "graftline/effects/store/views.hpp"
#include "graftline/effects/tasks/fresh_id.hpp"
#include "graftline/git/repository/state_folder.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/base/json_text.hpp"
#include "graftline/runtime/process/process_tree.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <random>

namespace graftline::effects {
namespace {

std::filesystem::path lock_file_of(const project& in, const std::string& run_id)
{
    return in.state_folder() / "runs" / (run_id + ".lock");
}

using lease = std::optional<file_lock::lease>;

/// None when another process has it.
awaitable<result<lease>> take_lock(const project& in, const std::string& run_id)
{
    const auto file = lock_file_of(in, run_id);
    std::error_code ignored; // the lock says what is wrong
    std::filesystem::create_directories(file.parent_path(), ignored);
    file_lock lock(co_await asio::this_coro::executor, file);
    co_return lock.try_acquire();
}

/// A process that was killed while it started another is survived by that one's first moments, and so is its
/// lock: for such an owner the lock is asked for again, for two seconds.
awaitable<result<lease>> take_lock_of(const project& in, const run_record& of)
{
    using namespace std::chrono_literals;
    asio::steady_timer again(co_await asio::this_coro::executor);
    for (int patience = 40;; --patience) {
        auto taken = co_await take_lock(in, of.id);
        const auto owner = facts_of(static_cast<pid_t>(of.pid));
        const bool lives = owner && owner->state != 'Z';
        if (!taken || *taken || patience == 0 || lives) co_return taken;
        again.expires_after(50ms);
        co_await again.async_wait(use_awaitable);
    }
}

/// They have prompts and environments in them.
result<void> write_tasks(const std::filesystem::path& file, const std::vector<task>& tasks)
{
    if (tasks.empty()) return {};
    json::array all;
    for (const auto& t : tasks)
        all.push_back(to_stored(t));
    try {
        write_private(file, json::serialize(all));
        return {};
    } catch (const fault_error& e) {
        return e.why();
    }
}

/// What was made for these tasks is for those to read whom the repository is shared with, and nobody else.
awaitable<void> settle_folders_of(const project& in, std::vector<std::string> tasks)
{
    auto settle = [&] {
        std::vector<std::filesystem::path> folders{in.state_folder() / "verdicts"};
        for (const auto& id : tasks)
            folders.insert(folders.end(), {in.log_folder(id), in.state_folder() / "tasks" / id});
        git::settle_access_of(in.state_folder(), folders);
        git::settle_access(in.state_folder());
    };
    co_await offload(std::move(settle));
}

} // namespace

std::filesystem::path run::tasks_file(const project& in, const std::string& run_id)
{
    return in.state_folder() / "runs" / (run_id + ".tasks");
}

std::filesystem::path run::shared_file(const project& in, const std::string& run_id)
{
    return in.state_folder() / "runs" / (run_id + ".shared");
}

std::vector<task> run::tasks_in_file(const std::filesystem::path& file)
{
    std::ifstream in(file, std::ios::binary);
    const auto read = parse_json(std::string(std::istreambuf_iterator<char>(in), {}));
    std::vector<task> tasks;
    if (read && read->is_array())
        for (const auto& one : read->get_array())
            if (auto t = from_stored<task>(one)) tasks.push_back(std::move(*t));
    return tasks;
}

fault is_carried_out(const run_record& r)
{
    return fault(errc::busy, "another process carries this run out")
        .with("run", r.id)
        .with("pid", std::to_string(r.pid))
        .with("started", r.owned_since.empty() ? r.started_at : r.owned_since)
        .advise("Wait for it, or interrupt it.");
}

fault has_ended(const run_record& r)
{
    return fault(errc::refused, "the run has ended").with("run", r.id).with("ended", r.finished_at);
}

run::run(std::shared_ptr<project> in, run_record record, observer& watcher, file_lock::lease alive,
         asio::any_io_executor executor)
    : project_(std::move(in)), record_(std::move(record)), watcher_(watcher),
      past_(std::make_shared<replay>(executor)), alive_(std::move(alive)), executor_(std::move(executor)),
      beside_(executor_)
{
    past_->on_failure = [this] { stopping_ = true; };
}

run::~run() = default;

awaitable<result<std::shared_ptr<run>>> run::begin(std::shared_ptr<project> in, run_record record,
                                                   observer& watcher, std::vector<task> fresh)
{
    record.id = fresh_id("run-", 8);
    record.pid = ::getpid();
    record.version = GRAFTLINE_VERSION;
    record.started_at = record.owned_since = now_text();
    record.configuration = in->configuration();
    // The store makes the state folder; the lock comes before anybody can read of the run.
    if (auto opened = co_await in->stored([](store&) {}); !opened) co_return opened.error();
    auto alive = co_await take_lock(*in, record.id);
    if (!alive) co_return alive.error();
    if (!*alive) co_return fault(errc::internal, "a new run's lock is taken").with("run", record.id);
    for (auto& t : fresh)
        t.owner = record.id;
    auto write = [&] { return write_tasks(tasks_file(*in, record.id), fresh); };
    if (auto written = co_await offload(write); !written) co_return written.error();
    auto added = co_await in->stored([&](store& s) { return s.add(record, fresh); });
    if (!added) co_return added.error();
    co_return std::shared_ptr<run>(new run(std::move(in), std::move(*added), watcher, std::move(**alive),
                                           co_await asio::this_coro::executor));
}

awaitable<result<std::shared_ptr<run>>> run::resume(std::shared_ptr<project> in, std::string id,
                                                    observer& watcher)
{
    auto record = co_await in->stored([id](store& s) { return s.find_run(id); });
    if (!record) co_return record.error();
    auto alive = co_await take_lock_of(*in, *record);
    if (!alive) co_return alive.error();
    if (!*alive) {
        // Who carried it on last has written who it is, unless it took the lock this very moment.
        const auto owner = co_await in->stored([id](store& s) { return s.find_run(id); });
        if (!owner) co_return owner.error();
        co_return is_carried_out(*owner);
    }
    std::shared_ptr<run> resumed(
        new run(in, std::move(*record), watcher, std::move(**alive), co_await asio::this_coro::executor));
    auto& past = *resumed->past_;
    auto read = co_await in->stored([&](store& s) {
        // Read again under the lock: it may have ended meanwhile.
        auto now = s.find_run(id);
        if (now.outcome == "done" || now.outcome == "damaged") throw fault_error(has_ended(now));
        s.read_journal(0, now.number, [&](journal_record&& r) {
            past.take(std::move(r));
            return true;
        });
        s.resume_run(id, ::getpid());
        return s.find_run(id);
    });
    if (!read) co_return read.error();
    resumed->record_ = std::move(*read);
    resumed->resumed_ = true;
    if (const auto& began = resumed->record_.version; !began.empty() && began != GRAFTLINE_VERSION)
        watcher.note("The run was begun by graftline " + began + ", and is gone on with by " +
                     GRAFTLINE_VERSION + ".");
    co_return resumed;
}

awaitable<result<void>> run::end()
{
    if (!is_over()) past_->conclude();
    const std::string outcome = stopping_ ? "interrupted" : "done";
    auto recorded = co_await project_->journal().flush();
    if (recorded)
        recorded = co_await project_->stored([this, outcome](store& s) { s.finish_run(id(), outcome); });
    const auto viewed =
        co_await project_->stored([this](store& s) { write_views(s, project_->state_folder()); });
    if (!viewed) watcher_.note(viewed.error().message()); // copies only: no reason to fail what was done
    co_await settle_folders_of(*project_, record_.tasks);
    // Removed while it is ours: whoever goes on with the run next has made a file of its own.
    std::error_code ignored; // a file that stays is only untidy
    std::filesystem::remove(tasks_file(*project_, id()), ignored);
    if (!stopping_) std::filesystem::remove(shared_file(*project_, id()), ignored);
    std::filesystem::remove(lock_file_of(*project_, id()), ignored);
    alive_.reset();
    if (recorded && past_->failure()) co_return *past_->failure();
    co_return recorded;
}

void run::environment_failed(fault why)
{
    if (environment_fault_) return;
    environment_fault_ = std::move(why);
    if (stopping_) return;
    stop();
    if (on_environment_fault) on_environment_fault();
}

awaitable<task> run::change(std::string id, std::function<void(task&)> edit, lasting when)
{
    auto changed = co_await project_->must_store([&](store& s) { return s.change(id, edit, when); });
    watcher_.changed(changed);
    co_return changed;
}

awaitable<task> run::find(std::string id)
{
    auto found = co_await project_->must_store([&](store& s) { return s.find(id); });
    if (!found) throw fault_error(fault(errc::not_found, "there is no task '" + id + "'"));
    co_return std::move(*found);
}

awaitable<task> run::take(std::string id, std::function<void(task&)> edit)
{
    using namespace std::chrono_literals;
    asio::steady_timer again(co_await asio::this_coro::executor);
    for (auto patience = 100;; --patience) {
        auto taken = co_await project_->stored([&](store& s) {
            auto mine = [&](task& now) {
                if (!now.owner.empty() && now.owner != this->id() && is_alive(*project_, now.owner))
                    throw fault_error(
                        fault(errc::busy, "another graftline works on this task")
                            .with("task", now.id)
                            .with("run", now.owner)
                            .advise("Wait for it, or cancel the task: graftline cancel " + now.id));
                edit(now);
                now.owner = this->id();
            };
            return s.change(id, mine, lasting::with_the_next); // no owner outlives a power cut
        });
        if (taken) {
            watcher_.changed(*taken);
            co_return std::move(*taken);
        }
        const auto waits = taken.error().is(errc::busy) && patience > 0;
        const auto now = co_await find(id);
        if (!waits || now.state == task_state::running || now.state == task_state::pending)
            throw fault_error(taken.error());
        again.expires_after(50ms); // the other process tells nobody when it lets go
        co_await again.async_wait(use_awaitable);
    }
}

awaitable<void> run::release(std::string id)
{
    auto released = co_await project_->stored([&](store& s) {
        auto nobodys = [&](task& now) {
            if (now.owner == this->id()) now.owner.clear();
        };
        s.change(id, nobodys, lasting::with_the_next);
    });
    (void)released;
}

awaitable<result<lease>> run::hold(const project& in, std::string run_id)
{
    co_return co_await take_lock(in, run_id);
}

std::filesystem::path run::lock_file(const project& in, const std::string& run_id)
{
    return lock_file_of(in, run_id);
}

bool run::is_alive(const project& in, const std::string& run_id)
{
    if (run_id.empty()) return false;
    const auto held = file_lock::is_held(lock_file_of(in, run_id));
    return !held || *held; // what cannot be asked is not taken from its run
}

bool run::has_died(const project& in)
{
    std::error_code failed;
    for (std::filesystem::directory_iterator at(in.state_folder() / "runs", failed), end;
         !failed && at != end; at.increment(failed)) {
        if (at->path().extension() != ".lock") continue;
        const auto held = file_lock::is_held(at->path());
        if (held && !*held) return true;
    }
    return false;
}

} // namespace graftline::effects
