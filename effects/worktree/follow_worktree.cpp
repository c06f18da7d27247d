#include "graftline/effects/worktree/follow_worktree.hpp"

#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/git/refs/own_worktree.hpp"
#include "graftline/git/repository/worktree_records.hpp"

namespace graftline::effects {

result<task> located(const git::repository& repo, task t)
{
    if (t.worktree.empty() || !t.worktree_ready) return t;
    const auto found = git::find_own_worktree(repo, t.worktree, lock_reason(t.id), t.branch);
    if (!found) return fault(found.error()).with("task", t.id);
    if (*found && (*found)->path != git::without_links_above(t.worktree))
        t.worktree = (*found)->path.string();
    return t;
}

awaitable<result<task>> follow_worktree(run& r, task t)
{
    const auto was = t.worktree;
    auto now = located(r.repository(), std::move(t));
    if (!now || now->worktree == was) co_return now;
    r.watcher().note("The worktree of " + now->id + " was moved: it is at " + now->worktree + " now.");
    co_return co_await r.change(now->id, [&](task& stored) { stored.worktree = now->worktree; });
}

bool was_set_aside(const task& t)
{
    return t.state == task_state::running && !t.worktree_ready;
}

result<bool> is_worktree_there(const task& t)
{
    if (t.worktree.empty()) return false;
    const auto state = git::folder_at(t.worktree);
    if (!state) return fault(state.error()).with("task", t.id);
    return *state != git::folder_state::away;
}

} // namespace graftline::effects
