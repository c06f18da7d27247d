#include "graftline/effects/worktree/commit_changes.hpp"

#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/effects/run/task_time.hpp"
#include "graftline/effects/worktree/branch_back.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/git/commits/commit.hpp"
#include "graftline/git/commits/committed.hpp"
#include "graftline/git/commits/submodules.hpp"
#include "graftline/git/refs/dead_locks.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/failure_words.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rescue/rescue.hpp"
#include "graftline/git/rules/noted_rules.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/base/outcome.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace graftline::effects {
namespace {

/// Do all folders of the commit read?
awaitable<bool> reads(git::repository& repo, std::string commit)
{
    const auto listed = co_await repo.ask("ls-tree", "-r", "-d", "--name-only", "-z", commit);
    co_return static_cast<bool>(listed);
}

/// Git's words of an object that it misses say nothing of what to do. A hook may use the same words.
awaitable<fault> in_words(run& r, task t, fault f)
{
    if (!f.is(errc::command_failed) || !git::says_damaged(f.message())) co_return f;
    auto& repo = r.repository();
    if (co_await reads(repo, t.base) && co_await reads(repo, "refs/heads/" + t.branch)) co_return f;
    fault lost(errc::refused, "objects that its work stands on went while it worked, or are damaged");
    for (const auto& [key, words] : f.context())
        if (key == "git says") lost.with(key, words);
    co_return std::move(lost).advise(
        "What lies in its worktree is as the agent left it: copy from there what you need. graftline retry "
        "--fresh " +
        t.id + " begins anew; what else is gone: git fsck");
}

fault stays(fault f, const task& t)
{
    f.with("task", t.id).with("worktree", t.worktree);
    if (f.advice().empty()) f.advise("The worktree is as the agent left it: graftline shell " + t.id);
    return f;
}

std::string listed(const std::vector<std::string>& words)
{
    std::string text;
    for (const auto& word : words)
        text += (text.empty() ? "" : ", ") + word;
    return text;
}

/// Makes the worktree's HEAD the task's branch again, at the commit that the agent left it on. Files and
/// index are those of that commit, so nothing needs to be checked out.
awaitable<result<void>> bring_head_home(run& r, const task& t)
{
    auto& repo = r.repository();
    const std::string branch = "refs/heads/" + t.branch;
    if (auto back = co_await bring_branch_back(r, t); !back) co_return back;
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

/// HEAD is somewhere on the way then.
result<void> check_no_rebase(run& r, const task& t)
{
    const auto git_dir = git::git_dir_of(r.repository(), t.worktree);
    if (!git_dir) return git_dir.error();
    const auto half_done = *git_dir ? git::half_done_in(**git_dir) : std::nullopt;
    if (!half_done || *half_done != "a rebase") return {};
    return fault(errc::refused, "a rebase is under way in this worktree")
        .advise("Finish or abort it there (graftline shell " + t.id + "), then: graftline commit " + t.id +
                " -m MESSAGE");
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
        auto may_land = co_await git::check_committed(repo, t.worktree, base, **tip);
        if (!may_land) co_return may_land.error();
        const auto kept = co_await git::keep_submodule_commits(repo, t.worktree, base, **tip);
        if (!kept) co_return kept.error();
        if (!kept->empty())
            r.watcher().note(
                "What " + t.id + " committed in " + listed(*kept) +
                " is kept in this repository, and on no server: push it before what points to it.");
        const auto marked = co_await git::files_with_markers(repo, base, **tip);
        if (!marked) co_return marked.error();
        if (!marked->empty())
            made.doubt =
                "conflict markers are left in " + marked->front() + (marked->size() > 1 ? " and others" : "");
    }
    co_return made;
}

std::string message_for(const task& t, const commit_changes& asked, const agents::settings& settings)
{
    const std::string subject = asked.message.empty() ? title(t) : asked.message;
    return git::conventional_message(asked.type, asked.scope, subject, t.spec.description, t.id,
                                     settings.commit.trailers);
}

/// The rules may have been changed by another agent, or by the user. Result: the programs of filters that are
/// not what they were.
awaitable<result<std::vector<std::string>>> say_changed_rules(run& r, const task& t)
{
    const auto record = git::git_dir_of(r.repository(), t.worktree);
    if (!record) co_return record.error();
    if (!*record) co_return std::vector<std::string>();
    git::workplace place(**record, t.worktree, true);
    const auto changes = co_await git::hold_rules(r.repository(), place);
    if (!changes) co_return changes.error();
    const std::string since = " since the worktree of " + t.id + " was made";
    if (!changes->hooks.empty())
        r.watcher().note("Hooks were changed" + since +
                         ". Git runs them as they are now: " + listed(changes->hooks));
    // A commit is refused when git cannot be held to the rules of then.
    const auto held = changes->all();
    if (!held.empty() && changes->unheld.empty())
        r.watcher().note("What git ignores or converts was changed" + since +
                         ": for it the rules of then count. Changed: " + listed(held));
    co_return changes->programs;
}

/// The program of a filter has been replaced: where the committed files do not give back the bytes that lie
/// there, those are saved beside the commit. Result: what a person must know of it; empty when nothing
/// differs.
awaitable<result<std::string>> save_beside_filters(run& r, const task& t, std::vector<std::string> programs,
                                                   change made)
{
    auto& repo = r.repository();
    if (programs.empty() || made.tip.empty()) co_return std::string();
    const auto saved = co_await git::rescue(repo, t.worktree, t.id);
    if (!saved) co_return saved.error();
    if (!*saved) co_return std::string();
    co_await r.change(t.id, [&](task& now) {
        if (std::ranges::find(now.rescues, **saved) == now.rescues.end()) now.rescues.push_back(**saved);
    });
    const auto commit = co_await repo.ask("rev-parse", "--verify", **saved + "^{commit}");
    if (!commit) co_return commit.error();
    auto lost = co_await git::changed_paths(repo, git::oid(made.tip), git::oid(*commit));
    if (!lost) co_return lost.error();
    std::erase_if(*lost, [&](const std::string& path) {
        return !std::ranges::binary_search(made.files, path); // edits of what we put there are saved, too
    });
    if (lost->empty()) co_return std::string();
    co_return "the program of a filter was replaced while it worked (" + listed(programs) +
        "), and what is committed does not give the files back as they lay there: " + listed(*lost) +
        "; their own bytes are saved: git show '" + **saved + ":" + lost->front() + "'";
}

awaitable<result<change>> commit_what_lies_there(run& r, const task& t, const commit_changes& asked)
{
    const auto there = is_worktree_there(t);
    if (!there) co_return there.error();
    if (!*there) {
        auto made = co_await summarise(r, t);
        if (made && made->tip.empty())
            co_return fault(errc::not_found, "the worktree is gone and its branch has no commit of its own");
        if (made) made->worktree_gone = true;
        co_return made;
    }
    auto ours = git::check_worktree(r.repository(), t.worktree, lock_reason(t.id), t.branch);
    if (!ours) co_return ours.error();
    // Agents kill their gits when they take too long.
    auto freed = co_await git::drop_locks_left_in(r.repository(), t.worktree, t.branch);
    if (!freed) co_return freed.error();
    if (auto whole = check_no_rebase(r, t); !whole) co_return whole.error();
    if (auto home = co_await bring_head_home(r, t); !home) co_return home.error();
    const auto programs = co_await say_changed_rules(r, t);
    if (!programs) co_return programs.error();
    git::commit_request request(message_for(t, asked, r.in().settings()));
    if (auto done = co_await git::commit_everything(r.repository(), t.worktree, request); !done)
        co_return done.error();
    auto made = co_await summarise(r, t);
    if (!made) co_return made;
    const auto lost = co_await save_beside_filters(r, t, *programs, *made);
    if (!lost) co_return lost.error();
    if (!lost->empty()) made->doubt += (made->doubt.empty() ? "" : "; ") + *lost;
    co_return made;
}

/// What comes after it has its own time: it is to come to its end.
awaitable<result<change>> commit_in_time(run& r, const task& t, const commit_changes& asked)
{
    task_time time(r, t.id, asked.left_ms);
    time.covers(t.worktree, t.branch);
    auto made = co_await commit_what_lies_there(r, t, asked);
    if (!made) co_return time.explained(made.error());
    made->duration_ms = time.spent_ms();
    co_return std::move(*made);
}

/// Must not be interrupted: what is on the branch is on record.
awaitable<result<change>> record_made(run& r, const task& t, result<change> made)
{
    // The agent's own commits too: nothing of git's has flushed them.
    if (made && !made->tip.empty())
        if (auto flushed = co_await r.repository().flush(t.worktree); !flushed) made = flushed.error();
    if (!made) co_return stays(co_await in_words(r, t, made.error()), t);
    auto record = [&](task& changed) {
        changed.commit = made->tip;
        changed.files = made->files;
        if (r.repository().durable() == git::durability::power) changed.attempt_boot.clear();
    };
    // Of a task that a run carries out this is promised when it is settled, which comes next.
    const bool is_open = t.state == task_state::running;
    co_await r.change(t.id, record, is_open ? lasting::with_the_next : lasting::at_once);
    co_return made;
}

/// Git may have come to its end before it was ended.
awaitable<void> record_what_was_made(run& r, const task& t)
{
    auto made = co_await summarise(r, t);
    if (made && made->tip != t.commit) (void)co_await record_made(r, t, std::move(made));
}

awaitable<result<change>> commit_and_record(run& r, const commit_changes& asked)
{
    auto t = co_await r.find(asked.task);
    if (was_set_aside(t)) {
        change nothing;
        nothing.begins_again = true;
        co_return nothing;
    }
    auto now = co_await follow_worktree(r, t);
    if (!now) co_return stays(now.error(), t);
    t = std::move(*now);
    auto made = co_await parallel::settle(commit_in_time(r, t, asked));
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto state = co_await asio::this_coro::cancellation_state;
    const bool was_stopped = state.cancelled() != asio::cancellation_type::none;
    const bool was_late = made.has_value() && !made.value() && made.value().error().is(errc::timed_out);
    if (was_late) co_await shielded(record_what_was_made(r, t));
    result<change> outcome = fault(errc::interrupted, "the commit was interrupted");
    if (made.has_value() && (made.value() || !was_stopped))
        outcome = co_await shielded(record_made(r, t, std::move(made).value()));
    else // a git that was ended says so as a fault, too
        co_await shielded(record_what_was_made(r, t));
    co_await asio::this_coro::throw_if_cancelled(true);
    if (!made.has_value()) std::rethrow_exception(made.error());
    co_return outcome;
}

} // namespace

awaitable<result<change>> commit_changes::carry_out(run& r) const
{
    return commit_and_record(r, *this);
}

} // namespace graftline::effects
