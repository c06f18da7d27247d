#include "graftline/effects/operations/after_boot.hpp"

#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/effects/operations/lost_landing.hpp"
#include "graftline/effects/run/run.hpp"
#include "graftline/effects/store/agent_files.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/effects/worktree/returned_worktree.hpp"
#include "graftline/git/landing/landed_files.hpp"
#include "graftline/git/packs/damaged_objects.hpp"
#include "graftline/git/packs/missing_indexes.hpp"
#include "graftline/git/refs/dead_locks.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/state_folder.hpp"
#include "graftline/git/rescue/mend.hpp"
#include "graftline/git/rescue/rescue.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/files/disk_flush.hpp"
#include "graftline/runtime/files/file_lock.hpp"
#include "graftline/runtime/process/disk_session.hpp"
#include "graftline/runtime/supervisor/attempt_files.hpp"

#include <boost/asio/this_coro.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

fs::path boot_file(const project& in)
{
    return in.state_folder() / "boot";
}

std::optional<git::oid> id_of(const std::string& hex)
{
    return git::oid::parse(hex);
}

class recovery {
public:
    recovery(std::shared_ptr<project> in, bool thorough) : in_(std::move(in)), thorough_(thorough) {}

    awaitable<result<std::vector<std::string>>> carry_out()
    {
        since_ = last_looked_at();
        auto looking = [this] { look_at_files(); };
        co_await offload(std::move(looking));
        for (const auto& one : co_await git::write_missing_indexes(in_->repository()))
            say(one.done ? "A pack had lost its index, which is written again: " + one.pack.string()
                         : "A pack has no index, and none can be made: what it holds is missing. " +
                               one.pack.string() + ": " + one.done.error().message());
        // What has landed is looked at after a restart only: there may be thousands.
        auto tasks =
            co_await in_->stored([this](store& s) { return thorough_ ? s.tasks() : s.tasks_not_over(); });
        if (!tasks) co_return tasks.error();
        if (!thorough_) co_await look_for_lost_objects(*tasks);
        auto choosing = [&] { choose_among(*tasks); };
        co_await offload(std::move(choosing));
        for (const task& t : *tasks)
            co_await look_at(t);
        if (thorough_) co_await look_at_landed_files();
        if (thorough_) co_await look_for_returned(*tasks);
        co_return std::move(said_);
    }

private:
    /// Whatever is older was looked at in an earlier boot.
    std::chrono::system_clock::time_point last_looked_at() const
    {
        // The lock is made with the state, and never written to.
        for (const auto& file : {boot_file(*in_), in_->state_folder() / "state.lock"})
            if (struct stat info{}; ::stat(file.c_str(), &info) == 0)
                return std::chrono::system_clock::from_time_t(info.st_mtime);
        return {};
    }

    /// Before any git runs: each would stumble over these.
    void look_at_files()
    {
        for (const auto& lock : git::drop_locks_of_earlier_boots(in_->repository(), thorough_))
            say("A lock from before the restart was removed: " + lock.string());
        if (thorough_) set_damaged_objects_aside();
    }

    /// Between restarts whoever cleans up among the objects, or an agent, may lose some.
    awaitable<void> look_for_lost_objects(const std::vector<task>& tasks)
    {
        std::vector<std::string> branches;
        for (const task& t : tasks)
            if (!is_over(t) && !t.branch.empty()) branches.push_back(t.branch);
        in_trouble_ = co_await git::branches_in_trouble(in_->repository(), std::move(branches));
        if (in_trouble_.empty()) co_return;
        // Git takes what lies there for whole, and would not write it again.
        auto look = [this] { set_damaged_objects_aside(); };
        co_await offload(std::move(look));
    }

    void set_damaged_objects_aside()
    {
        for (const auto& file : git::set_damaged_objects_aside(in_->repository(), since_))
            say("Half written, and out of git's way now: " + file.string());
    }

    bool looks_damaged(const task& t) const
    {
        return std::ranges::find(in_trouble_, t.branch) != in_trouble_.end() ||
               git::looks_damaged(in_->repository(), ready_worktree(t), t.branch);
    }

    /// All that no living run works on; between restarts those only in which something is seen to be wrong.
    void choose_among(std::vector<task>& tasks) const
    {
        std::erase_if(tasks, [this](const task& t) {
            if (was_cut_short(t)) return !t.owner.empty() && run::is_alive(*in_, t.owner);
            if (!thorough_ && (is_over(t) || !looks_damaged(t))) return true;
            return !t.owner.empty() && run::is_alive(*in_, t.owner);
        });
    }
    static bool is_over(const task& t)
    {
        return t.state == task_state::merged || t.state == task_state::discarded;
    }
    static std::string ready_worktree(const task& t) { return t.worktree_ready ? t.worktree : std::string(); }

    awaitable<void> look_at(const task& t)
    {
        try {
            if (!is_over(t) && !t.branch.empty()) co_await look_at_branch(t);
            if (!ready_worktree(t).empty()) co_await look_at_worktree(t);
            if (thorough_ && t.state == task_state::merged)
                if (auto lost = co_await look_for_landing(in_, t, since_)) say(std::move(*lost));
        } catch (const fault_error& e) {
            say("Task " + t.id + ": " + e.what());
        }
    }

    awaitable<void> look_at_branch(const task& t)
    {
        const bool has_work = t.state == task_state::completed || t.state == task_state::conflicted;
        const git::known_places places{id_of(t.commit), id_of(t.base), has_work};
        const auto mended = co_await git::mend_branch(in_->repository(), t.branch, t.id, places, thorough_);
        if (!mended) {
            say("Task " + t.id + ": " + mended.error().message());
            co_return;
        }
        if (mended->has_gaps)
            say("The branch " + t.branch +
                " reads, but older commits of it have lost objects: graftline land " + t.id +
                " --mode squash lands its files without them.");
        if (!mended->put) co_return;
        say("The branch " + t.branch + " did not read; it is back at " + mended->put->short_hex() + "." +
            what_is_left(t, *mended));
        if (mended->kept) co_await record_rescue(t, *mended->kept);
    }

    /// What became of the branch's work, and what to do with it.
    static std::string what_is_left(const task& t, const git::mended_branch& mended)
    {
        std::string text;
        if (mended.kept)
            text = " What still reads of what it was at is in " + *mended.kept + ".";
        else if (mended.was)
            text = " It was at " + mended.was->hex() + ", which could not be kept: it is not all there.";
        if (!ready_worktree(t).empty())
            text += " What lies in its worktree is untouched: graftline commit " + t.id + " -m MESSAGE";
        return text;
    }

    awaitable<void> record_rescue(const task& t, std::string ref)
    {
        co_await in_->must_store([&](store& s) {
            return s.change(t.id, [&](task& now) {
                if (std::ranges::find(now.rescues, ref) == now.rescues.end()) now.rescues.push_back(ref);
            });
        });
    }

    std::vector<std::string> furnished() const
    {
        const auto& settings = in_->settings().worktree;
        std::vector<std::string> paths = settings.copy;
        paths.insert(paths.end(), settings.link.begin(), settings.link.end());
        return paths;
    }

    awaitable<void> look_at_worktree(task t)
    {
        if (auto now = located(in_->repository(), t)) t = std::move(*now);
        const auto mended = co_await git::mend_worktree(in_->repository(), t.worktree, t.branch,
                                                        lock_reason(t.id), furnished());
        if (!mended)
            say("The worktree of " + t.id + ": " + mended.error().message() + "\n  " +
                mended.error().advice());
        if (mended && !mended->empty())
            say("Git's record of the worktree of " + t.id + " was written again.");
        if (was_cut_short(t)) co_await set_aside(t);
    }

    /// Its agent was at work, and the disk may have forgotten some of that since. Of a folder that is away it
    /// has forgotten nothing: its record stays for whoever carries the task on.
    static bool was_cut_short(const task& t)
    {
        const bool open = t.state == task_state::running || t.state == task_state::pending;
        std::error_code unreadable;
        return open && fs::is_directory(t.worktree, unreadable) && !t.attempt_boot.empty() &&
               t.attempt_boot != disk_session_of(t.worktree);
    }

    awaitable<void> set_aside(const task& t)
    {
        if (!t.attempt.empty())
            if (const auto held = file_lock::is_held(fs::path(t.attempt) / attempt::lock_name);
                !held || *held)
                co_return; // another machine's, on a shared disk
        std::string saved, kept;
        const auto rescued = co_await git::rescue(in_->repository(), t.worktree, t.id);
        if (rescued && *rescued) saved = **rescued;
        if (!rescued) kept = move_aside(t);
        auto removed = co_await git::remove_worktree(in_->repository(), t.worktree, lock_reason(t.id));
        if (!removed && !removed.error().is(errc::not_found)) {
            if (kept.empty()) kept = move_aside(t);
            git::forget_worktree(in_->repository(), t.worktree, lock_reason(t.id));
        }
        co_await drop_temporary_of(t.attempt);
        auto begin_again = [&](task& now) {
            now.worktree.clear();
            now.worktree_ready = false;
            now.attempt_for.clear();
            now.attempt_boot.clear();
            if (!saved.empty() && std::ranges::find(now.rescues, saved) == now.rescues.end())
                now.rescues.push_back(saved);
        };
        co_await in_->must_store([&](store& s) { return s.change(t.id, begin_again); });
        say("The agent of " + t.id + " was at work when the machine went down: it begins again in a fresh " +
            "worktree" + (saved.empty() ? "" : "; what lay in the old one is in " + saved) +
            (kept.empty() ? "" : "; what lay in the old one is in " + kept) + ".");
    }

    /// What could not be saved as objects is kept as files. Result: where; empty when it stayed.
    std::string move_aside(const task& t)
    {
        std::error_code failed;
        auto place = git::place_for_damaged(in_->repository(), t.id);
        fs::rename(t.worktree, place, failed);
        if (failed == std::errc::cross_device_link) {
            place = t.worktree + ".damaged";
            fs::rename(t.worktree, place, failed);
        }
        return failed ? std::string() : place.string();
    }

    awaitable<void> look_at_landed_files()
    {
        const auto restored = co_await git::restore_landed_files(in_->repository());
        if (!restored) say("Landed files could not be looked at: " + restored.error().message());
        for (const auto& file : restored ? *restored : std::vector<fs::path>())
            say("A landed file had not lasted, and was put back: " + file.string());
    }

    awaitable<void> look_for_returned(const std::vector<task>& tasks)
    {
        try {
            for (auto& sentence : co_await remove_returned_worktrees(in_, tasks))
                say(std::move(sentence));
        } catch (const fault_error& e) {
            say(std::string("Removed worktrees could not be looked for: ") + e.what());
        }
    }

    void say(std::string sentence) { said_.push_back(std::move(sentence)); }

    std::shared_ptr<project> in_;
    bool thorough_;
    std::chrono::system_clock::time_point since_;
    std::vector<std::string> in_trouble_; ///< branches whose tips do not read
    std::vector<std::string> said_;
};

} // namespace

awaitable<result<std::vector<std::string>>> recover_after_boot(std::shared_ptr<project> in)
{
    if (!in->has_state()) co_return std::vector<std::string>();
    const auto session = disk_session_of(in->repository().common_dir());
    if (git::text_of(boot_file(*in)) == session) co_return co_await recovery(in, false).carry_out();
    // Somebody may have taken the whole folder away: it is made again, for what the repository still tells.
    if (!git::make_state_folder(in->state_folder()))
        co_return system_fault(errno, "the folder for graftline's state could not be made")
            .with("folder", in->state_folder().string());
    // Two commands may come at once.
    file_lock one(co_await asio::this_coro::executor, in->state_folder() / "boot.lock");
    const auto alone = co_await one.acquire();
    if (!alone) co_return alone.error();
    const bool looked = git::text_of(boot_file(*in)) == session;
    auto said = co_await recovery(in, !looked).carry_out();
    if (!said || looked) co_return said;
    auto flushed = co_await in->repository().flush();
    if (flushed) flushed = git::replace_file(boot_file(*in), session);
    if (flushed) flushed = flush_file(boot_file(*in));
    if (!flushed) co_return flushed.error();
    co_return said;
}

} // namespace graftline::effects
