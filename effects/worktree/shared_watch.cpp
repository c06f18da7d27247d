#include "graftline/effects/worktree/shared_watch.hpp"

#include "graftline/git/commits/submodules.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/base/clock.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace graftline::effects {
namespace {

std::int64_t seconds_of(const std::string& time, std::int64_t otherwise)
{
    const auto at = from_iso8601(time);
    if (!at) return otherwise;
    return std::chrono::duration_cast<std::chrono::seconds>(at->time_since_epoch()).count();
}

/// Was one of its agents at work then, as far as a second tells?
bool was_at_work(const task& t, std::int64_t at)
{
    constexpr auto ever = std::numeric_limits<std::int64_t>::max();
    return seconds_of(t.started_at, ever) <= at && at <= seconds_of(t.finished_at, ever);
}

std::string briefly(const std::string& commit)
{
    return commit.substr(0, 10);
}

/// The branches of tasks, and what they land on, by full names.
struct names_of_tasks {
    std::set<std::string> branches, targets;
    void add(const task& t)
    {
        if (!t.branch.empty()) branches.insert("refs/heads/" + t.branch);
        for (const auto* target : {&t.spec.target, &t.spec.into, &t.landed_target})
            if (!target->empty()) targets.insert("refs/heads/" + *target);
    }
    git::known_changes known() const
    {
        return {[this](const std::string& name) { return branches.contains(name); },
                [this](const std::string& name) { return targets.contains(name); }};
    }
};

/// Has something changed that is none of these?
bool has_changed(const git::shared_state& before, const git::shared_state& now, const names_of_tasks& ours)
{
    if (before.stash != now.stash || before.worktrees != now.worktrees) return true;
    const auto differs = [&](const auto& some, const auto& others) {
        return std::ranges::any_of(some, [&](const auto& ref) {
            const auto other = others.find(ref.first);
            return !ours.branches.contains(ref.first) &&
                   (other == others.end() || other->second != ref.second);
        });
    };
    return differs(before.refs, now.refs) || differs(now.refs, before.refs);
}

/// What landings have put on targets: each commit, and what it was put on. All between them is the task's.
std::map<std::string, std::string> landings_of(const std::vector<task>& tasks)
{
    std::map<std::string, std::string> ours;
    for (const auto& t : tasks) {
        if (!t.undone.empty()) ours.emplace(t.undone, t.undone);
        if (!t.landed.empty() && !t.landed_on.empty()) ours.emplace(t.landed, t.landed_on);
    }
    return ours;
}

/// Takes out, of commits from the newest on, each the first parent of the one before, what landings put
/// there.
void take_out_landings(std::vector<foreign_commit>& commits,
                       const std::map<std::string, std::string>& landings)
{
    std::string until;
    std::erase_if(commits, [&](const foreign_commit& one) {
        if (one.commit == until) until.clear();
        const auto landed = landings.find(one.commit);
        if (landed != landings.end()) until = landed->second;
        const bool is_ours = !until.empty();
        if (one.commit == until) until.clear(); // an undoing is one commit
        return is_ours;
    });
}

awaitable<std::vector<foreign_commit>> foreign_on(run& r, const std::string& target, const std::string& from,
                                                  const std::string& to, const std::vector<task>& tasks)
{
    std::vector<foreign_commit> found;
    const auto name = target.substr(std::string_view("refs/heads/").size());
    const auto listed = co_await r.repository().ask("log", "-z", "--first-parent", "--no-show-signature",
                                                    "--format=%H%n%an%n%s", from + ".." + to, "--");
    if (!listed) co_return found; // moved back to somewhere else: taken_landing says so
    for (std::size_t at = 0; at < listed->size();) {
        const auto end = std::min(listed->find('\0', at), listed->size());
        const auto record = listed->substr(at, end - at);
        at = end + 1;
        const auto first = record.find('\n'), second = record.find('\n', first + 1);
        if (first == record.npos || second == record.npos) continue;
        found.push_back({name, record.substr(0, first), record.substr(first + 1, second - first - 1),
                         record.substr(second + 1)});
    }
    take_out_landings(found, landings_of(tasks));
    co_return found;
}

/// Is a target not at what it was, nor behind it in its history?
awaitable<bool> is_one_moved_back(run& r, const git::shared_state& before, const git::shared_state& now,
                                  const std::set<std::string>& targets)
{
    for (const auto& target : targets) {
        const auto was = before.refs.find(target), is = now.refs.find(target);
        if (was == before.refs.end()) continue;
        if (is == now.refs.end()) co_return true;
        const auto contained =
            co_await git::is_ancestor(r.repository(), git::oid(was->second), git::oid(is->second));
        if (!contained || !*contained) co_return true;
    }
    co_return false;
}

/// On all targets.
awaitable<std::vector<foreign_commit>> foreign_on_targets(run& r, const git::shared_state& before,
                                                          const git::shared_state& now,
                                                          const std::set<std::string>& targets,
                                                          const std::vector<task>& tasks)
{
    std::vector<foreign_commit> found;
    for (const auto& target : targets) {
        const auto was = before.refs.find(target), is = now.refs.find(target);
        if (was == before.refs.end() || is == now.refs.end() || was->second == is->second) continue;
        auto foreign = co_await foreign_on(r, target, was->second, is->second, tasks);
        found.insert(found.end(), foreign.begin(), foreign.end());
    }
    co_return found;
}

/// The only one that was at work then; empty when none was, or several were.
std::string only_one_at_work(const std::vector<task>& tasks, const run& r, std::int64_t at)
{
    std::string one;
    for (const auto& t : tasks) {
        if (t.run != r.id() || t.attempt.empty() || (at != 0 && !was_at_work(t, at))) continue;
        if (!one.empty()) return {};
        one = t.id;
    }
    return one;
}

bool has(const std::vector<git::left_work>& some, const git::left_work& one)
{
    return std::ranges::any_of(
        some, [&](const auto& other) { return other.where == one.where && other.commit == one.commit; });
}

/// A stash entry of a branch that is not the task's: perhaps somebody has stashed their own changes.
bool names_others_branch(const git::left_work& one)
{
    return (one.about.starts_with("WIP on ") || one.about.starts_with("On ")) &&
           one.about.find("(no branch)") == one.about.npos;
}

/// Records with a task what can be no other's. True: it is said with that task.
awaitable<bool> give_to_task(run& r, const std::vector<task>& tasks, const git::left_work& one)
{
    for (const auto& t : tasks)
        if (has(t.left, one)) co_return true;
    if (names_others_branch(one)) co_return false;
    const auto id = only_one_at_work(tasks, r, one.at);
    if (id.empty()) co_return false;
    co_await r.change(id, [&](task& now) {
        if (has(now.left, one)) return;
        now.left.push_back(one);
        if (now.state == task_state::completed && now.commit.empty()) now.reason = reason_for(now.left);
    });
    co_return true;
}

/// With what was seen in the stash when tasks of the run ended: another agent may have taken that since.
git::shared_state with_stashes_of(const run& r, git::shared_state state, const std::vector<task>& tasks)
{
    for (const auto& t : tasks)
        for (const auto& one : t.left)
            if (t.run == r.id() && one.where == "the stash" &&
                std::ranges::find(state.stash, one.commit, &git::stash_entry::commit) == state.stash.end())
                state.stash.push_back({one.commit, one.about, one.at});
    return state;
}

} // namespace

std::string words_of(const git::left_work& one)
{
    std::string text = one.where;
    if (!one.commit.empty()) text += " at " + briefly(one.commit);
    return one.about.empty() ? text : text + " (" + one.about + ")";
}

std::string words_of(const git::lost_work& one)
{
    return one.what + " " + briefly(one.commit) + " (" + one.about + ") is gone; " +
           (one.rescue.empty() ? "" : "it is kept as " + one.rescue + "; ") +
           "to bring it back: " + one.command;
}

std::string words_of(const foreign_commit& one)
{
    return one.target + ": " + briefly(one.commit) + " by " + one.author + ": " + one.subject;
}

std::string reason_for(const std::vector<git::left_work>& left)
{
    std::string text = "no changes on its branch, but work elsewhere: ";
    for (std::size_t i = 0; i < left.size(); ++i)
        text += (i == 0 ? "" : ", ") + words_of(left[i]);
    return text;
}

awaitable<void> note_shared(run& r)
{
    const auto file = run::shared_file(r.in(), r.id());
    if (r.is_resumed()) {
        const auto text = co_await offload([file] { return git::text_if_there(file); });
        if (text && !text->empty()) {
            r.begin_from(git::state_in_text(*text));
            co_return;
        }
    }
    auto now = co_await git::look_at_shared(r.repository());
    if (!now) {
        r.watcher().note("What the run begins from cannot be looked at: " + now.error().message());
        co_return;
    }
    // Without it a resumed run takes what it finds for its beginning.
    (void)co_await offload([file, text = git::text_of_state(*now)] { return git::replace_file(file, text); });
    r.begin_from(std::move(*now));
}

awaitable<std::vector<git::left_work>> left_by_task(run& r, const task& t)
{
    if (!t.worktree_ready || t.worktree.empty() || t.branch.empty()) co_return std::vector<git::left_work>();
    auto left = co_await git::left_by(r.repository(), t.worktree, t.branch, seconds_of(t.created_at, 0),
                                      t.commit.empty());
    const auto edited = co_await git::submodules_with_edits(r.repository(), t.worktree);
    if (left && edited)
        for (const auto& path : *edited)
            left->push_back({"submodule " + path, {}, "changes that are not committed", 0});
    if (left && !edited) left = edited.error();
    if (left) co_return std::move(*left);
    r.watcher().note("Whether the agent of " + t.id +
                     " left work elsewhere cannot be looked at: " + left.error().message());
    co_return std::vector<git::left_work>();
}

awaitable<shared_changes> look_at_changes(run& r)
{
    shared_changes found;
    const auto& before = r.began_from();
    if (!before) co_return found;
    const auto now = co_await git::look_at_shared(r.repository());
    if (!now) {
        r.watcher().note("What has changed beside the tasks cannot be looked at: " + now.error().message());
        co_return found;
    }
    names_of_tasks ours;
    auto tasks = co_await r.in().must_store([&](store& s) {
        std::vector<task> own;
        for (const auto& id : r.record().tasks)
            if (auto t = s.find(id)) own.push_back(std::move(*t));
        return own;
    });
    for (const auto& t : tasks)
        ours.add(t);
    const bool is_quiet =
        !has_changed(*before, *now, ours) && with_stashes_of(r, *before, tasks).stash == before->stash;
    if (is_quiet && !co_await is_one_moved_back(r, *before, *now, ours.targets) &&
        (co_await foreign_on_targets(r, *before, *now, ours.targets, tasks)).empty())
        co_return found;

    // Other runs land, too, and make branches.
    tasks = co_await r.in().must_store([](store& s) { return s.tasks([](unreadable_row&&) {}); });
    for (const auto& t : tasks)
        ours.add(t);
    const std::string not_known = "What has changed beside the tasks is not known: ";
    const auto left = co_await git::appeared_since(r.repository(), *before, *now, ours.known());
    const auto began = seconds_of(r.record().started_at, 0);
    for (const auto& one : left ? *left : std::vector<git::left_work>())
        if (one.at != 0 && one.at < began) // made before: a tag that was fetched, say
            continue;
        else if (!co_await give_to_task(r, tasks, one))
            found.left.push_back(one);
    auto lost = co_await git::keep_what_is_gone(r.repository(), with_stashes_of(r, *before, tasks), *now,
                                                r.id(), ours.known());
    if (!left) r.watcher().note(not_known + left.error().message());
    if (!lost) r.watcher().note(not_known + lost.error().message());
    if (lost) found.lost = std::move(*lost);
    found.foreign = co_await foreign_on_targets(r, *before, *now, ours.targets, tasks);
    co_return found;
}

} // namespace graftline::effects
