#include "graftline/effects/taken_landing.hpp"

#include "graftline/effects/land.hpp"
#include "graftline/git/refs.hpp"
#include "graftline/git/repository.hpp"

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

} // namespace

awaitable<void> look_for_taken_landing(run& r, std::string id)
{
    const auto t = co_await r.find(id);
    if (t.state != task_state::merged || t.landed.empty() || !t.undone.empty()) co_return;
    auto& repo = r.repository();
    if (co_await is_on_target(repo, t)) co_return;
    co_await bring_branch_back(repo, t);
    co_await r.change(id, [&](task& now) {
        now.state = task_state::completed;
        now.reason = taken_off(id, t.landed, target_of(t)).why;
    });
    r.watcher().note(target_of(t) + " was moved back while the run went on: what " + id +
                     " had landed is not there any more. To land it again: graftline land " + id);
}

} // namespace graftline::effects
