#include "graftline/effects/worktree/remove_worktree.hpp"

#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/effects/worktree/save_work.hpp"
#include "graftline/git/refs/dead_locks.hpp"
#include "graftline/git/refs/delete_branch.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rescue/rescue.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/async/shielded.hpp"

#include <algorithm>

namespace graftline::effects {
namespace {

awaitable<result<void>> remove_branch(run& r, const task& t, removal& done)
{
    auto& repo = r.repository();
    const std::string ref = "refs/heads/" + t.branch;
    const auto tip = co_await git::read_ref(repo, ref);
    if (!tip) co_return tip.error();
    if (!*tip) {
        done.branch_deleted = true;
        co_return result<void>();
    }
    // Reachable from the target, or from another ref, or rescued: a squashed branch's commits are on no other
    // ref.
    auto saved = co_await git::rescue_commit(repo, **tip, t.id, ref);
    if (!saved) co_return saved.error();
    if (*saved) done.rescues.push_back(**saved);
    auto deleted = co_await git::delete_branch(repo, t.branch, **tip);
    if (!deleted) co_return deleted.error();
    done.branch_deleted = *deleted;
    co_return result<void>();
}

awaitable<result<removal>> remove_all(run& r, const task& t, bool keep_branch)
{
    removal done;
    // Processes end first: what still writes there could not be saved.
    if (auto ended = co_await end_agent(t); !ended) co_return ended.error();
    // One on the branch would keep it from being deleted.
    auto freed = co_await git::drop_locks_left_in(r.repository(), t.worktree, t.branch);
    if (!freed) co_return freed.error();
    if (!t.worktree.empty()) {
        auto saved = co_await save_and_remove_folder(r, t);
        if (!saved) co_return saved.error();
        done.rescues = std::move(*saved);
    }
    if (!t.branch.empty() && !keep_branch)
        if (auto gone = co_await remove_branch(r, t, done); !gone) co_return gone.error();
    co_return done;
}

awaitable<result<removal>> remove_and_record(run& r, const remove_worktree& asked)
{
    auto t = co_await r.find(asked.task);
    auto found = co_await follow_worktree(r, t);
    if (found) t = std::move(*found);
    auto done = found ? co_await remove_all(r, t, asked.keep_branch) : result<removal>(found.error());
    if (!done) co_return fault(done.error()).with("task", t.id).with("worktree", t.worktree);
    auto record = [&](task& now) {
        now.worktree.clear();
        now.worktree_ready = false;
        for (const auto& ref : done->rescues)
            if (std::ranges::find(now.rescues, ref) == now.rescues.end()) now.rescues.push_back(ref);
    };
    // One that comes back after a power cut is removed again.
    co_await r.change(t.id, record, done->rescues.empty() ? lasting::with_the_next : lasting::at_once);
    co_return done;
}

/// Git writes the index when all files are there. What is missing then is a hook, or a set-up command.
bool is_checked_out(const git::repository& repo, const std::string& worktree)
{
    const auto record = git::git_dir_of(repo, worktree);
    std::error_code failed;
    return record && *record && std::filesystem::exists(**record / "index", failed);
}

} // namespace

awaitable<result<std::vector<std::string>>> save_and_remove_folder(run& r, const task& t)
{
    auto& repo = r.repository();
    std::vector<std::string> rescues;
    // A checkout that never finished holds nothing of anybody's, and would be saved as the deletion of all
    // files. One whose folder is away has commits, and what was staged, on git's record: that goes too.
    if (t.worktree_ready || is_checked_out(repo, t.worktree)) {
        auto saved = co_await git::rescue(repo, t.worktree, t.id);
        if (!saved && !t.worktree_ready) saved = std::nullopt; // what a crash left of it may be damaged
        if (!saved) co_return saved.error();
        if (*saved) rescues.push_back(**saved);
        // What its branch or another ref has already is all that is left of it then. Landed is on the disk.
        if (!*saved && t.state != task_state::merged)
            if (auto flushed = co_await repo.flush(t.worktree); !flushed) co_return flushed.error();
    }
    const auto there = is_worktree_there(t);
    if (!there) co_return there.error();
    auto removed = co_await git::remove_worktree(repo, t.worktree, lock_reason(t.id));
    if (!removed && !removed.error().is(errc::not_found)) co_return removed.error();
    if (t.worktree_ready && !*there && removed)
        r.watcher().note("The folder of " + t.id +
                         "'s worktree was not there: what was neither committed nor "
                         "staged in it lies where the folder is now, if it is anywhere: " +
                         t.worktree);
    co_return rescues;
}

awaitable<result<removal>> remove_worktree::carry_out(run& r) const
{
    return shielded(remove_and_record(r, *this));
}

} // namespace graftline::effects
