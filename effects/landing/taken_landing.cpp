#include "graftline/effects/landing/taken_landing.hpp"

#include "graftline/effects/landing/land.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/repository.hpp"

namespace graftline::effects {
namespace {

awaitable<bool> is_on_target(git::repository& repo, const task& t)
{
    const auto tip = co_await git::read_ref(repo, "refs/heads/" + target_of(t));
    if (!tip || !*tip) co_return true; // for its user to say
    const auto reached = co_await git::is_ancestor(repo, git::oid(t.landed), **tip);
    co_return !reached || *reached;
}

/// With the target moved back, what it made may be on no other ref.
awaitable<void> bring_branch_back(git::repository& repo, const task& t)
{
    const std::string ref = "refs/heads/" + t.branch;
    const auto there = co_await git::read_ref(repo, ref);
    if (t.branch.empty() || t.commit.empty() || !there || *there) co_return;
    (void)co_await git::update_ref(repo, ref, git::oid(t.commit), git::oid(),
                                   "graftline: its landing was taken off " + target_of(t));
}

/// True when the target has lost it; the branch is back then.
awaitable<bool> was_lost(git::repository& repo, const task& t)
{
    if (t.state != task_state::merged || t.landed.empty() || !t.undone.empty()) co_return false;
    if (co_await is_on_target(repo, t)) co_return false;
    co_await bring_branch_back(repo, t);
    co_return true;
}

void record_taken(task& now)
{
    if (now.state != task_state::merged) return;
    now.state = task_state::completed;
    now.reason = taken_off(now.id, now.landed, target_of(now)).why;
}

} // namespace

awaitable<void> look_for_taken_landing(run& r, std::string id)
{
    const auto t = co_await r.find(id);
    if (!co_await was_lost(r.repository(), t)) co_return;
    co_await r.change(id, record_taken);
    r.watcher().note(target_of(t) + " was moved back while the run went on: what " + id +
                     " had landed is not there any more. To land it again: graftline land " + id);
}

awaitable<result<task>> look_for_landing_now(project& in, task t, observer& watcher)
{
    if (run::is_alive(in, t.owner)) co_return t; // its own run says it
    if (!co_await was_lost(in.repository(), t)) co_return t;
    watcher.note(target_of(t) + " was moved since: what " + t.id + " had landed, as " +
                 t.landed.substr(0, 10) + ", is not there any more. It is landed again.");
    co_return co_await in.stored([&](store& s) { return s.change(t.id, record_taken); });
}

} // namespace graftline::effects
