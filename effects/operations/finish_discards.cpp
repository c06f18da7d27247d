#include "graftline/effects/operations/finish_discards.hpp"

#include "graftline/effects/run/run.hpp"
#include "graftline/effects/tasks/lifecycle.hpp"
#include "graftline/git/refs/refs.hpp"

namespace graftline::effects {
namespace {

/// Its owner is gone, and was about to discard it: a forced `clean` takes what is not completed for that
/// alone.
awaitable<result<bool>> was_being_discarded(project& in, const task& t)
{
    if (t.owner.empty() || is_over(t.state) || !may_become(t.state, task_state::discarded)) co_return false;
    if (run::is_alive(in, t.owner)) co_return false;
    const auto of = co_await in.stored([&](store& s) { return s.find_run(t.owner); });
    if (!of) co_return of.error().is(errc::not_found) ? result<bool>(false) : of.error();
    co_return of->program == "discard" || (of->program == "clean" && t.state != task_state::completed);
}

awaitable<result<bool>> is_gone(project& in, const task& t)
{
    std::error_code absent;
    if (!t.worktree.empty() && std::filesystem::exists(std::filesystem::symlink_status(t.worktree, absent)))
        co_return false;
    if (t.branch.empty()) co_return true;
    const auto tip = co_await git::read_ref(in.repository(), "refs/heads/" + t.branch);
    if (!tip) co_return tip.error();
    co_return !*tip;
}

} // namespace

awaitable<result<void>> finish_discards(project& in, const std::vector<task>& tasks)
{
    for (const auto& t : tasks) {
        const auto begun = co_await was_being_discarded(in, t);
        if (!begun) co_return begun.error();
        if (!*begun) continue;
        const auto gone = co_await is_gone(in, t);
        if (!gone) co_return gone.error();
        if (!*gone) continue;
        auto recorded = co_await in.stored([&](store& s) {
            s.change(t.id, [&](task& now) {
                if (now.state != t.state || now.owner != t.owner) return; // somebody has it again
                now.state = task_state::discarded;
                now.worktree.clear();
                now.worktree_ready = false;
                now.owner.clear();
                now.finished_at = now_text();
            });
        });
        if (!recorded) co_return recorded.error();
    }
    co_return result<void>();
}

} // namespace graftline::effects
