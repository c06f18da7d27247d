#include "graftline/git/rescue/left_work.hpp"

#include "graftline/git/refs/branch_use.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/refs/unreached.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rescue/rescue.hpp"
#include "graftline/runtime/async/offload.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <set>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;
using ids = std::set<std::string>;

constexpr std::string_view heads = "refs/heads/", tags = "refs/tags/", remotes = "refs/remotes/";

// ---- what was made in a worktree

/// What the reflog of a worktree's HEAD says.
struct head_history {
    std::map<std::string, std::int64_t> made;   ///< commits that were made there, each with its time
    std::set<std::string, std::less<>> visited; ///< short names of branches that were checked out there
};

/// Did that step make its commit? The others lead to one that was there.
bool is_made(const reflog_line& line)
{
    const std::string_view said = line.message;
    for (const std::string_view moves : {"checkout:", "reset:", "clone:", "graftline:", "rebase (start)",
                                         "rebase (finish)", "rebase (abort)", "Branch: renamed"})
        if (said.starts_with(moves)) return false;
    if (said.ends_with("Fast-forward")) return false;
    return !said.empty() || !oid(line.before).is_null(); // a new worktree's first line has no words
}

head_history history_in(const std::string& reflog)
{
    constexpr std::string_view moved = "checkout: moving from ";
    head_history found;
    for (const reflog_line& line : reflog_lines(reflog)) {
        if (is_made(line)) found.made.emplace(line.after, line.at);
        if (!line.message.starts_with(moved)) continue;
        const auto words = records_of(std::string_view(line.message).substr(moved.size()), ' ');
        if (words.size() != 3) continue; // "A to B"
        found.visited.insert(words.front());
        found.visited.insert(words.back());
    }
    return found;
}

awaitable<result<std::string>> subject_of(const repository& repo, std::string commit)
{
    return repo.ask("log", "-1", "--no-show-signature", "--format=%s", std::move(commit), "--");
}

std::string for_a_person(const std::string& fullname)
{
    if (fullname.starts_with(heads)) return "branch " + fullname.substr(heads.size());
    if (fullname.starts_with(tags)) return "tag " + fullname.substr(tags.size());
    if (fullname.starts_with(remotes)) return "remote branch " + fullname.substr(remotes.size());
    return "ref " + fullname;
}

/// Those of what was made that the branch does not contain.
awaitable<result<ids>> made_outside(repository& repo, const head_history& history, std::string branch)
{
    ids outside;
    if (history.made.empty()) co_return outside;
    const auto tip = co_await read_ref(repo, std::string(heads) + branch);
    if (!tip) co_return tip.error();
    for (const auto& [id, at] : history.made) {
        const auto contained = *tip ? co_await is_ancestor(repo, oid(id), **tip) : result<bool>(false);
        if (!contained || !*contained) outside.insert(id); // one that is gone is on no ref, either
    }
    co_return outside;
}

/// The branches and tags that are at one of these commits.
awaitable<result<std::vector<left_work>>> refs_at(repository& repo, const ids& commits,
                                                  const head_history& history, std::string branch)
{
    std::vector<left_work> found;
    const auto listed = co_await repo.ask("for-each-ref", "--format=%(objectname) %(*objectname) %(refname)");
    if (!listed) co_return listed.error();
    for (const std::string& line : records_of(*listed, '\n')) {
        const auto words = records_of(line, ' ');
        if (words.size() != 3 || words[2] == std::string(heads) + branch) continue;
        if (!may_hold_work(words[2]) && !words[2].starts_with(remotes)) continue;
        const std::string& commit = words[1].empty() ? words[0] : words[1];
        if (!commits.contains(commit)) continue;
        auto subject = co_await subject_of(repo, commit);
        found.push_back(
            {for_a_person(words[2]), commit, subject ? *subject : std::string(), history.made.at(commit)});
    }
    co_return found;
}

/// The branch that git names in an entry of the stash; "(no branch)" for none, empty in other words.
std::string_view branch_in(std::string_view message)
{
    for (const std::string_view begin : {"WIP on ", "On "})
        if (message.starts_with(begin)) {
            message.remove_prefix(begin.size());
            const auto colon = message.find(": "); // no ref's name has a colon
            return colon == message.npos ? std::string_view() : message.substr(0, colon);
        }
    return {};
}

/// Branches that other worktrees have checked out.
result<std::set<std::string, std::less<>>> branches_elsewhere(const repository& repo, const fs::path& git_dir)
{
    std::set<std::string, std::less<>> found;
    const auto folders = worktree_git_dirs(repo);
    if (!folders) return folders.error();
    for (const fs::path& folder : *folders)
        if (const auto ref = head_ref_in(folder); folder != git_dir && ref.starts_with(heads))
            found.insert(ref.substr(heads.size()));
    return found;
}

class stash_owner {
public:
    stash_owner(const repository& repo, fs::path git_dir, std::string branch, const head_history& history)
        : repo_(repo), git_dir_(std::move(git_dir)), branch_(std::move(branch)), history_(history)
    {
    }
    /// Was it made in the worktree?
    awaitable<result<bool>> made(const stash_entry& entry)
    {
        const auto named = branch_in(entry.message);
        if (named == branch_) co_return result<bool>(true);
        if (named == "(no branch)") {
            const auto on = co_await repo_.ask("rev-parse", "--verify", "--quiet", entry.commit + "^1");
            co_return result<bool>(on && history_.made.contains(*on));
        }
        if (!history_.visited.contains(named)) co_return result<bool>(false);
        if (!elsewhere_) {
            auto found = branches_elsewhere(repo_, git_dir_);
            if (!found) co_return found.error();
            elsewhere_ = std::move(*found);
        }
        co_return result<bool>(!elsewhere_->contains(named));
    }

private:
    const repository& repo_;
    fs::path git_dir_;
    std::string branch_;
    const head_history& history_;
    std::optional<std::set<std::string, std::less<>>> elsewhere_;
};

/// The newest of what was made there that no ref reaches.
awaitable<result<std::vector<left_work>>> on_no_ref(repository& repo, workplace place, const ids& outside,
                                                    const head_history& history)
{
    std::vector<left_work> found;
    const auto tips = co_await unreached_commits(repo, std::move(place));
    if (!tips) co_return tips.error();
    for (const oid& tip : *tips) {
        if (!outside.contains(tip.hex())) continue;
        auto subject = co_await subject_of(repo, tip.hex());
        found.push_back(
            {"no branch", tip.hex(), subject ? *subject : std::string(), history.made.at(tip.hex())});
    }
    co_return found;
}

// ---- what has changed in the repository

bool is_of_graftline(const fs::path& git_dir)
{
    return text_of(git_dir / "locked").starts_with("graftline ");
}

/// What HEAD has been brought to since in worktrees where a person works, and what it was amended or taken
/// back from: that is theirs.
ids users_commits(const shared_state& before)
{
    ids found;
    for (const auto& [folder, size] : before.heads) {
        if (is_of_graftline(folder)) continue;
        const std::string reflog = text_of(fs::path(folder) / "logs" / "HEAD");
        const auto since = std::string_view(reflog).substr(size <= reflog.size() ? size : 0);
        for (reflog_line& line : reflog_lines(since)) {
            if (line.message.starts_with("graftline:")) continue; // landings that their checkout followed
            const std::string_view said = line.message;
            const bool leaves = said.starts_with("commit (amend)") || said.starts_with("rebase") ||
                                said.starts_with("reset:");
            if (leaves) found.insert(std::move(line.before));
            found.insert(std::move(line.after));
        }
    }
    return found;
}

/// What each id leads to as a commit; those that lead to none are left out.
awaitable<result<std::map<std::string, std::string>>> commits_of(const repository& repo,
                                                                 std::vector<std::string> objects)
{
    std::map<std::string, std::string> found;
    if (objects.empty()) co_return found;
    std::string questions;
    for (const std::string& id : objects)
        questions += id + "^{commit}\n";
    command check = repo.git("cat-file", "--batch-check=%(objectname)");
    check.feed(std::move(questions));
    const auto answers = co_await repository::answer(std::move(check));
    if (!answers) co_return answers.error();
    const auto lines = records_of(*answers, '\n');
    for (std::size_t at = 0; at < lines.size() && at < objects.size(); ++at)
        if (oid::parse(lines[at])) found.emplace(objects[at], lines[at]);
    co_return found;
}

/// Those of `commits` that no ref reaches but those in `without`.
awaitable<result<ids>> unreached_among(const repository& repo, std::vector<std::string> commits,
                                       std::vector<std::string> without)
{
    if (commits.empty()) co_return ids();
    const ids asked(commits.begin(), commits.end());
    const auto walked = co_await walk_beside_refs([&repo] { return repo.git(); }, {}, std::move(commits),
                                                  {"refs/", std::move(without)});
    if (!walked) co_return walked.error();
    ids found;
    for (std::string& line : records_of(*walked, '\n'))
        if (asked.contains(line)) found.insert(std::move(line));
    co_return found;
}

std::int64_t time_of(const repository& repo, const std::string& fullname, const std::string& id)
{
    std::int64_t at = 0;
    for (const reflog_line& line : reflog_lines(text_of(repo.common_dir() / "logs" / fullname)))
        if (line.after == id) at = line.at;
    return at;
}

/// What a person is told of a commit that a ref has got; its time counts where the ref has no reflog.
awaitable<left_work> described(const repository& repo, std::string fullname, std::string object,
                               std::string commit)
{
    left_work one{for_a_person(fullname), commit, {}, time_of(repo, fullname, object)};
    const auto told =
        co_await repo.ask("log", "-1", "--no-show-signature", "--format=%ct %s", std::move(commit), "--");
    if (!told) co_return one;
    const auto space = told->find(' ');
    if (one.at == 0) one.at = std::strtoll(told->c_str(), nullptr, 10);
    if (space != told->npos) one.about = told->substr(space + 1);
    co_return one;
}

/// New refs, and old ones that have got something new.
awaitable<result<std::vector<left_work>>> refs_that_appeared(repository& repo, const shared_state& before,
                                                             const shared_state& now, known_changes known)
{
    std::vector<left_work> found;
    std::vector<std::string> names, objects;
    for (const auto& [name, id] : now.refs) {
        const auto had = before.refs.find(name);
        if ((had != before.refs.end() && had->second == id) || known.is_ours(name) || known.is_target(name))
            continue;
        names.push_back(name);
        objects.push_back(id);
    }
    if (names.empty()) co_return found;
    const auto commits = co_await commits_of(repo, objects);
    if (!commits) co_return commits.error();
    const ids users = users_commits(before);
    std::vector<std::string> asked;
    for (const auto& [id, commit] : *commits)
        if (!users.contains(commit)) asked.push_back(commit);
    const auto unreached = co_await unreached_among(repo, std::move(asked), names);
    if (!unreached) co_return unreached.error();
    for (std::size_t i = 0; i < names.size(); ++i) {
        const auto commit = commits->find(objects[i]);
        if (commit == commits->end() || !unreached->contains(commit->second)) continue;
        found.push_back(co_await described(repo, names[i], objects[i], commit->second));
    }
    co_return found;
}

std::int64_t seconds_of(const fs::path& file)
{
    std::error_code failed;
    const auto written = fs::last_write_time(file, failed);
    if (failed) return 0;
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::file_clock::to_sys(written).time_since_epoch())
        .count();
}

/// What is in a worktree and on no ref; nullopt for nothing.
awaitable<std::optional<left_work>> held_by(repository& repo, fs::path git_dir)
{
    const auto top = work_tree_of(repo, git_dir);
    std::error_code failed;
    if (!top || !fs::is_directory(*top, failed)) co_return std::nullopt;
    const workplace place(git_dir, top, true);
    const auto head = co_await head_of(repo, place);
    left_work found{"worktree " + top->string(),
                    head && *head ? (**head).hex() : std::string(),
                    {},
                    seconds_of(git_dir / "gitdir")};
    const auto status =
        co_await repository::answer(place.git(repo, {"status", "--porcelain", "--untracked-files=normal"}));
    if (!status)
        found.about = "it cannot be looked at";
    else if (!status->empty())
        found.about = "changes that are not committed";
    if (!found.about.empty()) co_return found;
    const auto tips = co_await unreached_commits(repo, place);
    if (tips && tips->empty()) co_return std::nullopt;
    found.about = "commits that no branch has";
    co_return found;
}

// ---- what is gone

/// One thing that is not what it was.
struct missing {
    std::string what, object, about, command;
};

std::string quoted(const std::string& text)
{
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

/// The command that makes the ref again, with something added to its name where that is taken.
std::string brings_back(const std::string& name, const std::string& id, const std::string& added)
{
    if (name.starts_with(heads)) return "git branch " + quoted(name.substr(heads.size()) + added) + " " + id;
    if (name.starts_with(tags)) return "git tag " + quoted(name.substr(tags.size()) + added) + " " + id;
    return "git update-ref " + quoted(name + added) + " " + id;
}

std::vector<missing> gone_from(const shared_state& before, const shared_state& now,
                               const known_changes& known)
{
    std::vector<missing> found;
    ids stashed;
    for (const stash_entry& entry : now.stash)
        stashed.insert(entry.commit);
    for (const stash_entry& entry : before.stash)
        if (!stashed.contains(entry.commit))
            found.push_back({"stash entry", entry.commit, entry.message,
                             "git stash store -m " + quoted(entry.message) + " " + entry.commit});
    std::optional<ids> users;
    for (const auto& [name, id] : before.refs) {
        const auto has = now.refs.find(name);
        if ((has != now.refs.end() && has->second == id) || known.is_ours(name)) continue;
        if (has == now.refs.end()) {
            found.push_back({for_a_person(name), id, "deleted", brings_back(name, id, "")});
            continue;
        }
        if (!users) users = users_commits(before);
        if (users->contains(has->second) || users->contains(id)) continue;
        found.push_back({for_a_person(name), id, "moved to " + has->second.substr(0, 10),
                         brings_back(name, id, "-before")});
    }
    return found;
}

} // namespace

awaitable<result<std::vector<left_work>>> left_by(repository& repo, fs::path worktree, std::string branch,
                                                  std::int64_t since, bool unreached)
{
    std::vector<left_work> found;
    const auto git_dir = git_dir_of(repo, worktree);
    if (!git_dir) co_return git_dir.error();
    if (!*git_dir) co_return found;
    const auto reflog =
        co_await offload([file = **git_dir / "logs" / "HEAD"] { return text_if_there(file); });
    if (!reflog) co_return reflog.error();
    const head_history history = history_in(*reflog);
    const auto outside = co_await made_outside(repo, history, branch);
    if (!outside) co_return outside.error();
    if (!outside->empty()) {
        auto refs = co_await refs_at(repo, *outside, history, branch);
        if (!refs) co_return refs.error();
        found = std::move(*refs);
    }
    if (unreached && !outside->empty()) {
        auto commits = co_await on_no_ref(repo, workplace(**git_dir, worktree, true), *outside, history);
        if (!commits) co_return commits.error();
        found.insert(found.end(), commits->begin(), commits->end());
    }
    const auto stash = co_await offload([&repo] { return stash_of(repo); });
    if (!stash) co_return stash.error();
    stash_owner owner(repo, **git_dir, branch, history);
    for (const stash_entry& entry : *stash) {
        if (entry.made_at < since) continue;
        const auto is_made = co_await owner.made(entry);
        if (!is_made) co_return is_made.error();
        if (*is_made) found.push_back({"the stash", entry.commit, entry.message, entry.made_at});
    }
    co_return found;
}

awaitable<result<std::vector<left_work>>> appeared_since(repository& repo, const shared_state& before,
                                                         const shared_state& now, known_changes known)
{
    auto found = co_await refs_that_appeared(repo, before, now, std::move(known));
    if (!found) co_return found.error();
    for (const stash_entry& entry : now.stash)
        if (std::ranges::find(before.stash, entry.commit, &stash_entry::commit) == before.stash.end())
            found->push_back({"the stash", entry.commit, entry.message, entry.made_at});
    for (const std::string& folder : now.worktrees) {
        if (std::ranges::find(before.worktrees, folder) != before.worktrees.end() || is_of_graftline(folder))
            continue;
        if (auto held = co_await held_by(repo, folder)) found->push_back(std::move(*held));
    }
    co_return found;
}

awaitable<result<std::vector<lost_work>>> keep_what_is_gone(repository& repo, const shared_state& before,
                                                            const shared_state& now, std::string label,
                                                            known_changes known)
{
    std::vector<lost_work> kept;
    auto gone = gone_from(before, now, known);
    if (gone.empty()) co_return kept;
    std::vector<std::string> objects, commits;
    for (const missing& one : gone)
        objects.push_back(one.object);
    const auto as_commits = co_await commits_of(repo, std::move(objects));
    if (!as_commits) co_return as_commits.error();
    for (const auto& [object, commit] : *as_commits)
        commits.push_back(commit);
    const auto unreached = co_await unreached_among(repo, std::move(commits), {});
    if (!unreached) co_return unreached.error();
    for (missing& one : gone) {
        const auto commit = as_commits->find(one.object);
        if (commit == as_commits->end() || !unreached->contains(commit->second)) continue;
        // What an earlier one of them reaches is kept with that.
        auto ref = co_await rescue_commit(repo, oid(commit->second), label);
        if (!ref) co_return ref.error();
        kept.push_back({std::move(one.what), std::move(one.object), std::move(one.about),
                        ref->value_or(std::string()), std::move(one.command)});
    }
    co_return kept;
}

} // namespace graftline::git
