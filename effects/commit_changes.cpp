#include "graftline/effects/commit_changes.hpp"

#include "graftline/git/commit.hpp"
#include "graftline/git/dead_locks.hpp"
#include "graftline/git/refs.hpp"
#include "graftline/git/worktree.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::effects {
namespace {

fault stays(fault f, const task& t)
{
    f.with("task", t.id).with("worktree", t.worktree);
    if (f.advice().empty()) f.advise("The worktree is as the agent left it: graftline shell " + t.id);
    return f;
}

/// Makes the worktree's HEAD the task's branch again, at the commit that the agent left it on. Files and
/// index are those of that commit, so nothing needs to be checked out.
awaitable<result<void>> bring_head_home(run& r, const task& t)
{
    auto& repo = r.repository();
    const std::string branch = "refs/heads/" + t.branch;
    const auto head_ref = co_await repo.ask_in(t.worktree, "rev-parse", "--symbolic-full-name", "HEAD");
    if (!head_ref) co_return head_ref.error();
    if (*head_ref == branch) co_return result<void>();

    auto head_text = co_await repo.ask_in(t.worktree, "rev-parse", "--verify", "HEAD^{commit}");
    if (!head_text) co_return head_text.error();
    const git::oid head(std::move(*head_text));
    const auto tip = co_await git::read_ref(repo, branch);
    if (!tip) co_return tip.error();
    if (*tip) {
        const auto contains = co_await git::is_ancestor(repo, **tip, head);
        if (!contains) co_return contains.error();
        if (!*contains)
            co_return fault(errc::refused, "the agent left HEAD on '" + *head_ref +
                                               "', which does not contain the "
                                               "task's branch " +
                                               t.branch);
    }
    // A branch that the agent deleted comes back at what it left.
    auto moved =
        co_await git::update_ref(repo, branch, head, tip->value_or(git::oid()), "graftline: bring HEAD home");
    if (!moved) co_return moved.error();
    auto home =
        co_await repo.ask_in(t.worktree, "symbolic-ref", "-m", "graftline: bring HEAD home", "HEAD", branch);
    if (!home) co_return home.error();
    co_return result<void>();
}

awaitable<result<change>> summarise(run& r, const task& t)
{
    auto& repo = r.repository();
    const auto tip = co_await git::read_ref(repo, "refs/heads/" + t.branch);
    if (!tip) co_return tip.error();
    change made;
    const git::oid base(t.base);
    if (*tip && **tip != base) {
        made.tip = (*tip)->hex();
        auto files = co_await git::changed_paths(repo, base, **tip);
        if (!files) co_return files.error();
        made.files = std::move(*files);
    }
    co_return made;
}

std::string message_for(const task& t, const commit_changes& asked, const agents::settings& settings)
{
    const std::string subject = asked.message.empty() ? title(t) : asked.message;
    return git::conventional_message(asked.type, asked.scope, subject, t.spec.description, t.id,
                                     settings.commit.trailers);
}

} // namespace

awaitable<result<change>> commit_changes::carry_out(run& r) const
{
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    const auto t = co_await r.find(task);
    auto work = [&]() -> awaitable<result<change>> {
        if (!std::filesystem::is_directory(t.worktree)) {
            auto made = co_await summarise(r, t);
            if (made && made->tip.empty())
                co_return fault(errc::not_found,
                                "the worktree is gone and its branch has no commit of its own");
            co_return made;
        }
        // Agents kill their gits when they take too long.
        auto freed = co_await git::drop_locks_left_in(r.repository(), t.worktree, t.branch);
        if (!freed) co_return freed.error();
        if (auto home = co_await bring_head_home(r, t); !home) co_return home.error();
        git::commit_request request(message_for(t, *this, r.in().settings()));
        if (auto done = co_await git::commit_everything(r.repository(), t.worktree, request); !done)
            co_return done.error();
        co_return co_await summarise(r, t);
    };
    auto made = co_await work();
    if (made)
        co_await r.change(task, [&](effects::task& now) {
            now.commit = made->tip;
            now.files = made->files;
        });
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    if (!made) co_return stays(made.error(), t);
    co_return made;
}

} // namespace graftline::effects
