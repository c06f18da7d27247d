#include "graftline/effects/worktree/task_base.hpp"

#include "graftline/effects/landing/landing_target.hpp"
#include "graftline/git/commits/make_commit.hpp"
#include "graftline/git/merge/merge.hpp"
#include "graftline/git/refs/refs.hpp"

namespace graftline::effects {
namespace {

awaitable<result<git::oid>> join(run& r, const task& t, git::oid base, const task& before)
{
    auto& repo = r.repository();
    const git::oid theirs(before.commit);
    if (const auto has_it = co_await git::is_ancestor(repo, theirs, base); !has_it)
        co_return has_it.error();
    else if (*has_it)
        co_return base;
    if (const auto forward = co_await git::is_ancestor(repo, base, theirs); !forward)
        co_return forward.error();
    else if (*forward)
        co_return theirs;
    auto merged = co_await git::merge_commits(repo, base, theirs);
    if (!merged) co_return merged.error();
    if (!merged->clean())
        co_return fault(errc::refused,
                        "the tasks that this one comes after conflict with each other or the base in " +
                            merged->conflicts.front().path)
            .with("task", t.id)
            .with("comes after", before.id)
            .advise("Land them first, or resolve it by hand.");
    auto commit = co_await git::make_commit(repo, merged->tree, std::vector{base, theirs},
                                            "Join " + before.id + " for " + t.id + "\n", git::commit_author(),
                                            merged->objects);
    if (!commit) co_return commit;
    const auto written = co_await git::write_objects(repo, std::move(merged->objects));
    if (!written) co_return written.error();
    co_return commit;
}

} // namespace

awaitable<result<git::oid>> task_base(run& r, task t)
{
    auto& repo = r.repository();
    auto rev = co_await landing_tip(r, t);
    if (!rev) co_return rev.error();
    // After a conflict the target as it is now is what the work must fit on.
    const bool as_asked = !t.spec.base.empty() && t.resolutions == 0;
    auto base = co_await git::resolve(repo, as_asked ? t.spec.base : *rev);
    if (!base) co_return base.error();
    for (const auto& id : t.spec.after) {
        const auto before = co_await r.find(id);
        if (before.commit.empty()) continue;
        if (before.state == task_state::merged && t.spec.base.empty()) continue; // the target's tip has it
        base = co_await join(r, t, *base, before);
        if (!base) co_return base.error();
    }
    co_return base;
}

} // namespace graftline::effects
