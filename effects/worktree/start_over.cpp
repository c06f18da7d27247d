#include "graftline/effects/worktree/start_over.hpp"

#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/effects/worktree/remove_worktree.hpp"
#include "graftline/git/commits/make_commit.hpp"
#include "graftline/git/refs/dead_locks.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/rescue/rescue.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/async/shielded.hpp"

#include <fstream>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

/// Both ends of a conflict stand at the beginning of lines.
bool has_markers(const fs::path& file)
{
    std::error_code gone;
    if (!fs::is_regular_file(fs::symlink_status(file, gone))) return false; // a pipe must not be waited for
    std::ifstream in(file, std::ios::binary);
    bool begun = false;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with("<<<<<<< ")) begun = true;
        if (begun && line.starts_with(">>>>>>> ")) return true;
    }
    return false;
}

/// The whole change as one commit: `git cherry-pick` takes one at a time.
awaitable<result<git::oid>> as_one_commit(run& r, const earlier_change& what)
{
    std::vector<git::oid> parents{git::oid(what.base)};
    co_return co_await git::commit_tree(r.repository(), git::oid(what.commit + "^{tree}"), std::move(parents),
                                        "earlier change\n");
}

awaitable<result<void>> make_clean(run& r, const task& t)
{
    auto& repo = r.repository();
    if (auto ours = git::check_worktree(repo, t.worktree, lock_reason(t.id), t.branch); !ours)
        co_return ours.error();
    const auto status = co_await git::status_of(repo, t.worktree, std::nullopt);
    if (!status) co_return status.error();
    if (status->is_clean()) co_return result<void>();
    if (auto saved = co_await git::rescue(repo, t.worktree, t.id); !saved) co_return saved.error();
    if (auto reset = co_await repo.ask_in(t.worktree, "reset", "-q", "--hard"); !reset)
        co_return reset.error();
    if (auto cleaned = co_await repo.ask_in(t.worktree, "clean", "-fdq"); !cleaned) co_return cleaned.error();
    co_return result<void>();
}

awaitable<result<earlier_change>> take_away_and_begin(run& r, const std::string& id)
{
    const auto t = co_await r.find(id);
    earlier_change had{t.base, t.commit};
    const auto removed = co_await remove_worktree{id}.carry_out(r);
    if (!removed) co_return removed.error();
    if (t.state == task_state::conflicted)
        co_await r.change(id, [](task& now) {
            now.state = task_state::pending;
            now.earlier = std::exchange(now.reason, {});
        });
    co_await r.change(id, [](task& now) {
        if (now.state == task_state::pending) {
            now.state = task_state::running;
            ++now.resolutions;
        }
        now.branch.clear(); // its commits are safe; the name is free again
        now.finished_at.clear();
    });
    co_return had;
}

} // namespace

awaitable<result<earlier_change>> start_over::carry_out(run& r) const
{
    return shielded(take_away_and_begin(r, task));
}

awaitable<result<brought_change>> bring_change::carry_out(run& r) const
{
    const auto t = co_await r.find(task);
    auto& repo = r.repository();
    auto freed = co_await git::drop_locks_left_in(repo, t.worktree, t.branch);
    if (!freed) co_return freed.error();
    if (auto clean = co_await make_clean(r, t); !clean) co_return clean.error();
    const auto change = co_await as_one_commit(r, what);
    if (!change) co_return change.error();
    command pick = repo.git_in(t.worktree, "-c", "rerere.enabled=false", "cherry-pick", "--no-commit",
                               "--allow-empty", change->hex());
    const auto words = pick.words();
    const auto picked = co_await graftline::run(std::move(pick));
    if (!picked) co_return picked.error();
    if (!picked->overdue.empty()) co_return git::git_failed(words, *picked);
    auto listed = co_await repo.ask_in(t.worktree, "diff", "--name-only", "--diff-filter=U", "-z");
    if (!listed) co_return listed.error();
    brought_change brought{git::records_of(*listed)};
    if (!picked->ok() && brought.conflicts.empty()) co_return git::git_failed(words, *picked);
    // Nothing stays staged or unmerged: for the agent it is a change like its own.
    if (auto reset = co_await repo.ask_in(t.worktree, "reset", "-q"); !reset) co_return reset.error();
    // A restart of the machine goes on from what lies there now.
    if (auto flushed = co_await repo.flush(t.worktree); !flushed) co_return flushed.error();
    co_return brought;
}

awaitable<result<markers_checked>> check_markers::carry_out(run& r) const
{
    const auto t = co_await r.find(task);
    if (was_set_aside(t)) co_return markers_checked{}; // which is found when it is to be committed
    const auto bad = co_await offload([folder = fs::path(t.worktree), paths = paths] {
        for (const auto& path : paths)
            if (has_markers(folder / path)) return path;
        return std::string();
    });
    if (!bad.empty())
        co_return fault(errc::refused, "the agent left conflict markers in " + bad)
            .with("task", t.id)
            .with("worktree", t.worktree)
            .advise("Resolve it there and commit: graftline shell " + t.id + ", graftline commit " + t.id +
                    " -m MESSAGE");
    co_return markers_checked{static_cast<std::int64_t>(paths.size())};
}

std::string feedback_on(const landing& conflict, const brought_change& brought, const std::string& target)
{
    std::string text = "What you made before does not fit on " + target + " any more: it " + conflict.why +
                       ".\n\nThis worktree is a fresh one on " + target +
                       " as it is now. Your earlier change lies in it, uncommitted.\n";
    if (brought.conflicts.empty())
        return text + "It merged cleanly this time: check that it is still right, and complete it.\n";
    text += "In these files it conflicts; both versions stand there between <<<<<<< and >>>>>>> where both "
            "changed the text, and one of them where the other deleted the file:\n";
    for (const auto& path : brought.conflicts)
        text += "  " + path + "\n";
    return text +
           "Resolve each so that both intentions are kept, remove the markers, and check that the whole "
           "still works.\n";
}

} // namespace graftline::effects
