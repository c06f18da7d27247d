#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/worktree/abandoned_gates.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/effects/worktree/remove_worktree.hpp"
#include "graftline/git/refs/branch_use.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/worktree/drop_worktree.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/files/file_lock.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include <boost/asio/this_coro.hpp>

#include <set>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

/// One pass over everything of ours.
class sweep {
public:
    /// Without a run it only tells.
    sweep(std::shared_ptr<project> in, run* r, bool force, std::vector<cleaned>& found)
        : shared_(std::move(in)), in_(*shared_), run_(r), dry_run_(!r), force_(force), found_(found),
          days_(in_.settings().clean.days.value_or(30)),
          bytes_(in_.settings().clean.bytes.value_or(std::uint64_t{2} << 30))
    {
    }

    awaitable<void> all()
    {
        auto tasks = co_await in_.must_store([](store& s) { return s.tasks(); });
        for (auto& t : tasks)
            if (force_ && t.state == task_state::running && t.owner.empty()) co_await end_nobodys(t);
        int index = 0;
        for (const auto& t : tasks)
            co_await look_at("0." + std::to_string(index++), t);
        for (const auto& t : tasks)
            co_await orphans(t);
        for (auto& gate : co_await clear_abandoned_gates(in_, {}, dry_run_))
            found_.push_back(std::move(gate));
        co_await left_folders();
        co_await stale_locks();
        old_logs(tasks);
        old_verdicts();
        co_await old_journals();
        co_await old_beginnings();
    }

private:
    /// Why nothing would be lost with the task's worktree and branch; nullopt: something would.
    awaitable<std::optional<std::string>> done_with(const task& t)
    {
        if (t.state == task_state::merged) co_return "landed as " + t.landed.substr(0, 10);
        if (t.state == task_state::discarded) co_return "discarded";
        if (t.state == task_state::completed && t.commit.empty() && t.left.empty())
            co_return "it changed nothing";
        if (t.state == task_state::completed && !t.commit.empty() && !target_of(t).empty()) {
            const auto target = co_await git::read_ref(in_.repository(), "refs/heads/" + target_of(t));
            if (target && *target) {
                const auto has_it = co_await git::is_ancestor(in_.repository(), git::oid(t.commit), **target);
                if (has_it && *has_it) co_return target_of(t) + " has all of it";
            }
        }
        const bool given_up = t.state == task_state::failed || t.state == task_state::cancelled ||
                              t.state == task_state::conflicted;
        if (force_ && given_up) co_return std::string(to_string(t.state)) + ", and --force was given";
        co_return std::nullopt;
    }

    awaitable<void> look_at(std::string place, task t)
    {
        if (auto now = located(in_.repository(), t)) t = std::move(*now);
        const auto branch = t.branch.empty()
                                ? result<std::optional<git::oid>>(std::nullopt)
                                : co_await git::read_ref(in_.repository(), "refs/heads/" + t.branch);
        const bool has_branch = branch && *branch;
        if (t.worktree.empty() && !has_branch) co_return;
        const std::string what = t.worktree.empty() ? "branch " + t.branch : "worktree " + t.worktree;
        const auto why = co_await done_with(t);
        std::optional<std::string> left;
        if (!why)
            left = "task " + t.id + " is " + std::string(to_string(t.state)) +
                   (t.reason.empty() ? "" : ": " + t.reason.substr(0, t.reason.find('\n')));
        else if (t.worktree.empty() && co_await is_in_use(t.branch))
            left = "it is checked out somewhere";
        else if (!dry_run_)
            left = co_await remove(std::move(place), t);
        if (left)
            found_.push_back({what, "left: " + *left, false});
        else
            found_.push_back({what, "task " + t.id + ": " + *why, true});
    }

    awaitable<bool> is_in_use(std::string branch)
    {
        const auto uses = co_await git::find_uses_of(in_.repository(), "refs/heads/" + branch);
        co_return !uses || !uses->empty();
    }

    /// Result: why it was left, or nullopt when it is gone.
    awaitable<std::optional<std::string>> remove(std::string place, const task& t)
    {
        // Taken as it was seen: a task that somebody works on meanwhile is left.
        const auto same = [&](task& now) {
            if (now.state != t.state) throw fault_error(fault(errc::busy, "it has changed meanwhile"));
        };
        std::optional<fault> busy;
        try {
            co_await run_->take(t.id, same);
        } catch (const fault_error& e) {
            busy = e.why();
        }
        if (busy) co_return busy->what();
        context ctx(*run_, std::move(place));
        const auto removed = co_await ctx.try_perform(remove_worktree{t.id});
        co_await asio::this_coro::throw_if_cancelled(false); // what was done is recorded, cancelled or not
        co_await shielded(run_->release(t.id));
        if (removed) co_await shielded(record(t, removed->rescues));
        co_await asio::this_coro::throw_if_cancelled(true);
        if (!removed) co_return removed.error().what();
        if (removed->branch_deleted || t.branch.empty()) co_return std::nullopt;
        const std::string why = "it is in use, or has moved";
        if (t.worktree.empty()) co_return why;
        found_.push_back({"branch " + t.branch, "left: " + why, false});
        co_return std::nullopt;
    }

    awaitable<void> record(const task& t, const std::vector<std::string>& rescues)
    {
        for (const auto& ref : rescues)
            found_.push_back({"kept " + ref, "what no other ref reaches", false});
        const bool give_up =
            force_ && may_become(t.state, task_state::discarded) && t.state != task_state::completed;
        if (!give_up || is_over(t.state)) co_return;
        co_await run_->change(t.id, [](task& now) {
            now.state = task_state::discarded;
            now.finished_at = now_text();
        });
    }

    /// Of a task without a run that could be gone on with.
    awaitable<void> end_nobodys(task& t)
    {
        const auto what = "agent of task " + t.id;
        if (dry_run_) {
            t.state = task_state::cancelled;
            t.attempt.clear();
        } else {
            auto cancelled = co_await cancel_task(shared_, t.id);
            if (!cancelled) {
                found_.push_back({what, "left: " + cancelled.error().what(), false});
                co_return;
            }
            t = std::move(*cancelled);
        }
        found_.push_back({what, "it belongs to no run, and --force was given", true});
    }

    /// Of worktrees whose removal stopped half-way.
    awaitable<void> left_folders()
    {
        for (const auto& each : co_await git::delete_left_folders(in_.repository(), dry_run_)) {
            const auto what = "folder of a removed worktree " + each.path.string();
            std::string why =
                each.why ? "left: " + each.why->what() : "it was left when its worktree was removed";
            if (each.why)
                for (const auto& [key, words] : each.why->context())
                    if (key == "cause") why += ": " + words;
            found_.push_back({what, std::move(why), !each.why});
        }
    }

    /// An agent that outlived its run, of a task that nobody will go on with.
    awaitable<void> orphans(const task& t)
    {
        const bool given_up = is_over(t.state) || t.state == task_state::cancelled;
        if (t.attempt.empty() || !given_up || run::is_alive(in_, t.owner)) co_return;
        auto alive = co_await supervised::adopt(t.attempt);
        if (!alive || !*alive) co_return;
        if (!dry_run_) {
            (*alive)->cancel();
            co_await (*alive)->wait();
        }
        found_.push_back({"agent of task " + t.id,
                          "it still ran, though the task is " + std::string(to_string(t.state)), true});
    }

    /// Logs of tasks that are over: the younger ones stay, as long as all of them are not too much.
    void old_logs(const std::vector<task>& tasks)
    {
        std::error_code ignored;
        std::uintmax_t kept = 0;
        for (auto t = tasks.rbegin(); t != tasks.rend(); ++t) {
            const auto folder = in_.log_folder(t->id);
            if (!is_over(t->state) || !fs::is_directory(folder, ignored)) continue;
            const auto size = size_of(folder);
            const auto age = std::chrono::duration<double>(seconds_between(t->finished_at, now_text()));
            const bool old = age > days_;
            if (!old && kept + size <= bytes_) {
                kept += size;
                continue;
            }
            if (!dry_run_) fs::remove_all(folder, ignored);
            found_.push_back({"logs " + folder.string(),
                              old ? "the task was over " + days() + " ago"
                                  : "newer logs are as much as [clean] bytes allows",
                              true});
        }
    }

    static std::uintmax_t size_of(const fs::path& folder)
    {
        std::error_code ignored;
        std::uintmax_t bytes = 0;
        for (const auto& file : fs::recursive_directory_iterator(folder, ignored))
            if (file.is_regular_file(ignored)) bytes += file.file_size(ignored);
        return bytes;
    }

    /// A verdict that nobody asked for so long stands for a tree that nobody lands any more.
    void old_verdicts()
    {
        std::error_code ignored;
        std::size_t gone = 0;
        const auto oldest = fs::file_time_type::clock::now() - days_;
        for (const auto& file : fs::directory_iterator(in_.state_folder() / "verdicts", ignored)) {
            if (file.last_write_time(ignored) > oldest) continue;
            if (!dry_run_) fs::remove(file.path(), ignored);
            ++gone;
        }
        if (gone > 0)
            found_.push_back({std::to_string(gone) + " verdicts of gates", "older than " + days(), true});
    }

    /// What every step of a run came to, once nobody can go on with it; that it was, and its tasks, stay
    /// known.
    awaitable<void> old_journals()
    {
        const auto oldest = real_clock().now() - days_;
        const auto goes_on = [&](const run_record& r) { return run::is_alive(in_, r.id); };
        const auto forget = [&](store& s) {
            return dry_run_ ? s.runs_with_old_journal(oldest, goes_on)
                            : s.forget_old_journals(oldest, goes_on);
        };
        const auto gone = co_await in_.must_store(forget);
        if (!gone.empty())
            found_.push_back({"journal of " + std::to_string(gone.size()) + " runs",
                              "their tasks are over, and they ended " + days() + " ago", true});
    }

    std::string days() const { return std::to_string(days_.count()) + " days"; }

    awaitable<void> stale_locks()
    {
        const auto executor = co_await asio::this_coro::executor;
        std::error_code ignored;
        for (const auto& file : fs::directory_iterator(in_.state_folder() / "runs", ignored)) {
            if (file.path().extension() != ".lock" || run::is_alive(in_, file.path().stem())) continue;
            if (!dry_run_) {
                // Removed while it is ours: who opened it meanwhile sees that it is gone.
                const auto held = file_lock(executor, file.path()).try_acquire();
                if (!held || !*held) continue;
                fs::remove(file.path(), ignored);
            }
            found_.push_back({"lock " + file.path().string(), "its process is gone", true});
        }
    }

    /// Of what runs began from, what no run needs any more.
    awaitable<void> old_beginnings()
    {
        const auto open = co_await in_.must_store([](store& s) {
            std::set<std::string> ids;
            for (const auto& one : s.runs_not_done())
                ids.insert(one.id);
            return ids;
        });
        std::error_code ignored;
        for (const auto& file : fs::directory_iterator(in_.state_folder() / "runs", ignored)) {
            const std::string id = file.path().stem();
            if (file.path().extension() != ".shared" || open.contains(id) || run::is_alive(in_, id)) continue;
            if (!dry_run_) fs::remove(file.path(), ignored);
            found_.push_back({"file " + file.path().string(), "its run is over", true});
        }
    }

    std::shared_ptr<project> shared_;
    project& in_;
    run* run_;
    bool dry_run_;
    bool force_;
    std::vector<cleaned>& found_;
    std::chrono::days days_; ///< that logs, verdicts and journals of what is over are kept
    std::uint64_t bytes_;    ///< of such logs
};

} // namespace

awaitable<result<std::vector<cleaned>>> clean(std::shared_ptr<project> in, bool dry_run, bool force,
                                              observer& watcher)
{
    std::vector<cleaned> found;
    if (dry_run) {
        try {
            co_await sweep(in, nullptr, force, found).all();
        } catch (const fault_error& e) {
            co_return e.why();
        }
        co_return found;
    }
    stop_button button;
    run_options options;
    options.program = "clean";
    auto body = [&](run& r) -> awaitable<void> { co_await sweep(in, &r, force, found).all(); };
    auto done = co_await as_run(in, {}, options, watcher, button, body);
    if (!done) co_return done.error();
    co_return found;
}

} // namespace graftline::effects
