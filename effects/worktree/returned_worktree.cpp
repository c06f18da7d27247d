#include "graftline/effects/worktree/returned_worktree.hpp"

#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/git/refs/delete_branch.hpp"
#include "graftline/git/refs/own_worktree.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rescue/rescue.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/async/offload.hpp"

#include <algorithm>
#include <map>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

struct returned {
    task of;
    fs::path record;
    fs::path worktree;
    bool is_rest = false; ///< git was forgetting it: of its record a part is left, and nothing of its folder
};

/// Whose it is, by its lock or by our mark: git removes them one after the other.
std::string reason_in(const fs::path& record)
{
    if (auto lock = git::lock_of(record)) return std::move(*lock);
    const std::string mark = git::text_of(record / "graftline-mark");
    return mark.substr(0, mark.find('\n'));
}

std::vector<returned> find_returned(const git::repository& repo, const std::vector<task>& tasks)
{
    std::map<std::string, const task*> without; // by the reason that a worktree of theirs is locked for
    for (const task& t : tasks)
        if (t.worktree.empty() && !t.branch.empty()) without.emplace(lock_reason(t.id), &t);
    std::vector<returned> found;
    const auto records = without.empty() ? std::vector<fs::path>() : git::worktree_git_dirs(repo);
    if (!records) return found;
    for (const fs::path& record : *records) {
        const auto top = record == repo.common_dir() ? std::nullopt : git::work_tree_of(repo, record);
        if (!top) continue;
        const std::string reason = reason_in(record), name = record.filename();
        if (const auto of = without.find(reason); of != without.end()) {
            found.push_back({*of->second, record, *top});
            continue;
        }
        const auto state = git::folder_at(*top);
        if (!reason.empty() || !state || *state != git::folder_state::away) continue;
        for (const auto& [whose, of] : without) // named for the task, and nobody's any more
            if (name.ends_with("-" + of->id)) found.push_back({*of, record, *top, true});
    }
    return found;
}

/// The worktree's branch must be there for a look at what it has besides; its deletion may have lasted.
awaitable<void> bring_branch_back(git::repository& repo, const task& t)
{
    const auto commit = git::oid::parse(t.commit.empty() ? t.base : t.commit);
    const auto tip = co_await git::read_ref(repo, "refs/heads/" + t.branch);
    if (commit && tip && !*tip)
        (void)co_await git::update_ref(repo, "refs/heads/" + t.branch, *commit, git::oid(),
                                       "graftline: look at what came back");
}

awaitable<result<std::vector<std::string>>> remove_again(git::repository& repo, const returned& what)
{
    std::vector<std::string> rescues;
    // A checkout that never finished has no index, and holds nothing of anybody's.
    std::error_code ignored;
    if (fs::exists(what.record / "index", ignored)) {
        co_await bring_branch_back(repo, what.of);
        auto saved = co_await git::rescue(repo, what.worktree, what.of.id);
        if (!saved) co_return saved.error();
        if (*saved) rescues.push_back(std::move(**saved));
    }
    if (what.is_rest) {
        auto held = co_await repo.lock().acquire();
        if (!held) co_return held.error();
        fs::remove_all(what.record, ignored);
    } else {
        auto removed = co_await git::remove_worktree(repo, what.worktree, lock_reason(what.of.id));
        if (!removed && !removed.error().is(errc::not_found)) co_return removed.error();
    }
    const bool is_over = what.of.state == task_state::merged || what.of.state == task_state::discarded;
    const std::string ref = "refs/heads/" + what.of.branch;
    const auto tip = co_await git::read_ref(repo, ref);
    if (!is_over || !tip || !*tip) co_return rescues;
    auto saved = co_await git::rescue_commit(repo, **tip, what.of.id, ref);
    if (!saved) co_return saved.error();
    if (*saved) rescues.push_back(std::move(**saved));
    auto deleted = co_await git::delete_branch(repo, what.of.branch, **tip);
    if (!deleted) co_return deleted.error();
    co_return rescues;
}

} // namespace

awaitable<std::vector<std::string>> remove_returned_worktrees(std::shared_ptr<project> in,
                                                              std::vector<task> tasks)
{
    auto looking = [&] { return find_returned(in->repository(), tasks); };
    const auto found = co_await offload(std::move(looking));
    std::vector<std::string> said;
    for (const returned& what : found) {
        const auto removed = co_await remove_again(in->repository(), what);
        std::string sentence = "The worktree of " + what.of.id + " had been removed and was there again: ";
        if (!removed) {
            said.push_back(sentence + "it stays, " + removed.error().what());
            continue;
        }
        auto add = [&](task& now) {
            for (const auto& ref : *removed)
                if (std::ranges::find(now.rescues, ref) == now.rescues.end()) now.rescues.push_back(ref);
        };
        if (!removed->empty()) co_await in->must_store([&](store& s) { return s.change(what.of.id, add); });
        said.push_back(sentence + "it was removed once more" +
                       (removed->empty() ? "." : "; what lay in it is in " + removed->front() + "."));
    }
    co_return said;
}

} // namespace graftline::effects
