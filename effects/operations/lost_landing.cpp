#include "graftline/effects/operations/lost_landing.hpp"

#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/rescue/mend.hpp"
#include "graftline/runtime/base/clock.hpp"

namespace graftline::effects {
namespace {

/// Has the target been at, or past, the commit? What cannot be read has it not.
awaitable<bool> has_been_at(git::repository& repo, std::string target, git::oid commit)
{
    constexpr std::size_t looked_at = 200;
    const auto told = co_await repo.ask("log", "-g", "--format=%H", "-n", std::to_string(looked_at),
                                        "refs/heads/" + target, "--");
    if (!told) co_return false;
    for (const auto& hex : git::records_of(*told, '\n'))
        if (const auto passed = co_await git::is_ancestor(repo, commit, git::oid(hex)); passed && *passed)
            co_return true;
    co_return false;
}

awaitable<bool> is_lost(git::repository& repo, std::string target, git::oid commit)
{
    const auto tip = co_await git::read_ref(repo, "refs/heads/" + target);
    if (!tip || !*tip) co_return false; // for the user to mend, or the user's doing
    if (!co_await git::tree_of(repo, **tip)) co_return false;
    const bool is_there = static_cast<bool>(co_await git::tree_of(repo, commit));
    const auto reached = co_await git::is_ancestor(repo, commit, **tip);
    if (is_there && (!reached || *reached)) co_return false;
    co_return !is_there || !co_await has_been_at(repo, target, commit);
}

awaitable<result<void>> bring_branch_back(git::repository& repo, const task& t)
{
    const auto there = co_await git::read_ref(repo, "refs/heads/" + t.branch);
    if (!there) co_return there.error();
    if (*there) co_return result<void>();
    co_return co_await git::update_ref(repo, "refs/heads/" + t.branch, git::oid(t.commit), git::oid(),
                                       "graftline: its landing was lost");
}

} // namespace

awaitable<std::optional<std::string>> look_for_landing(std::shared_ptr<project> in, const task& t,
                                                       std::chrono::system_clock::time_point since)
{
    const auto finished = from_iso8601(t.finished_at);
    if (t.landed.empty() || t.commit.empty() || (finished && *finished + std::chrono::minutes(1) < since))
        co_return std::nullopt;
    auto& repo = in->repository();
    const git::oid work(t.commit);
    if (!co_await is_lost(repo, target_of(t), git::oid(t.landed))) co_return std::nullopt;
    if (!(co_await git::is_whole(repo, work, git::oid::parse(t.base))).value())
        co_return "The landing of " + t.id + " on " + target_of(t) +
            " was lost when the machine went down, and so was what it had made: " + t.commit;
    if (!t.branch.empty()) (co_await bring_branch_back(repo, t)).value();
    co_await in->must_store([&](store& s) {
        return s.change(t.id, [](task& now) {
            if (now.state != task_state::merged) return;
            now.state = task_state::completed;
            now.reason = "its landing was lost when the machine went down";
            now.landed.clear();
            now.landed_on.clear();
        });
    });
    co_return "The landing of " + t.id + " on " + target_of(t) +
        " was lost when the machine went down; what it made is whole: graftline land " + t.id;
}

} // namespace graftline::effects
