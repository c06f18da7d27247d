#include "graftline/effects/remove_worktree.hpp"

#include "graftline/effects/save_work.hpp"
#include "graftline/git/dead_locks.hpp"
#include "graftline/git/refs.hpp"
#include "graftline/git/rescue.hpp"
#include "graftline/git/worktree.hpp"
#include "graftline/runtime/shielded.hpp"

#include <algorithm>

namespace graftline::effects {
namespace {

awaitable<result<void>> remove_folder(run& r, const task& t, removal& done)
{
    auto& repo = r.repository();
    // A checkout that never finished holds nothing of anybody's, and would be saved as the deletion of all
    // files.
    if (t.worktree_ready && std::filesystem::is_directory(t.worktree)) {
        auto saved = co_await git::rescue(repo, t.worktree, t.id);
        if (!saved) co_return saved.error();
        if (*saved) done.rescues.push_back(**saved);
    }
    auto removed = co_await git::remove_worktree(repo, t.worktree, lock_reason(t.id));
    if (!removed && !removed.error().is(errc::not_found)) co_return removed.error();
    co_return result<void>();
}

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
    if (!t.worktree.empty())
        if (auto gone = co_await remove_folder(r, t, done); !gone) co_return gone.error();
    if (!t.branch.empty() && !keep_branch)
        if (auto gone = co_await remove_branch(r, t, done); !gone) co_return gone.error();
    co_return done;
}

awaitable<result<removal>> remove_and_record(run& r, const remove_worktree& asked)
{
    const auto t = co_await r.find(asked.task);
    auto done = co_await remove_all(r, t, asked.keep_branch);
    if (!done) co_return fault(done.error()).with("task", t.id).with("worktree", t.worktree);
    co_await r.change(t.id, [&](task& now) {
        now.worktree.clear();
        now.worktree_ready = false;
        for (const auto& ref : done->rescues)
            if (std::ranges::find(now.rescues, ref) == now.rescues.end()) now.rescues.push_back(ref);
    });
    co_return done;
}

} // namespace

std::string lock_reason(const std::string& task)
{
    return "graftline " + task;
}

awaitable<result<removal>> remove_worktree::carry_out(run& r) const
{
    return shielded(remove_and_record(r, *this));
}

} // namespace graftline::effects
