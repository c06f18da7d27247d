#include "graftline/bench/landing.hpp"

#include "graftline/bench/history.hpp"
#include "graftline/git/commits/make_commit.hpp"
#include "graftline/git/landing/move_target.hpp"
#include "graftline/git/merge/merge.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/repository.hpp"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace graftline::bench {
namespace {

namespace fs = std::filesystem;

/// Enough that our packs are combined more than once.
constexpr int tasks = 100;
/// What takes tenths of a second is done less often.
constexpr int slow_rounds = 10;

/// Branches task0, task1, ... which change three files of their own each.
awaitable<fs::path> make_tasks(fs::path in, int files)
{
    history all(files, 3);
    for (int task = 0; task < tasks; ++task) {
        const int first = task * (files / tasks);
        std::vector<change> changes;
        for (int file = first; file < first + 3; ++file)
            changes.push_back({file, 2, "task " + std::to_string(task)});
        all.branch("task" + std::to_string(task), changes);
    }
    co_return co_await std::move(all).import_into(in / std::to_string(files));
}

/// Seconds for one, on average.
struct cost {
    double merge = 0;
    double whole = 0;
};

awaitable<void> start_target(fs::path top)
{
    co_await must_run(git(top, {"update-ref", "refs/heads/target", "main"}));
    co_await must_run(command("sync")); // what was made before is not written out under what is measured
}

awaitable<cost> ours(fs::path top, git::durability durable)
{
    co_await start_target(top);
    auto repo = (co_await git::repository::discover(top)).value();
    repo->set_durability(durable);
    cost c;
    for (int n = -1; n < tasks; ++n) { // the first one asks git for its settings: it does not count
        const int task = std::max(n, 0);
        if (n == 0) co_await start_target(top);
        const auto begin = std::chrono::steady_clock::now();
        const auto tip = (co_await git::resolve(*repo, "refs/heads/target")).value();
        const auto theirs = (co_await git::resolve(*repo, "refs/heads/task" + std::to_string(task))).value();
        const auto merging = std::chrono::steady_clock::now();
        auto merged = (co_await git::merge_commits(*repo, tip, theirs)).value();
        const double merge = since(merging);
        std::vector<git::oid> parents{tip, theirs};
        const auto to = (co_await git::make_commit(*repo, merged.tree, std::move(parents), "Merge\n",
                                                   git::commit_author(), merged.objects))
                            .value();
        const auto done = (co_await git::move_target(*repo, "target", tip, to, "graftline: land",
                                                     git::intent_callback(), std::move(merged.objects)))
                              .value();
        if (!std::holds_alternative<git::moved>(done)) throw std::runtime_error("a landing waits");
        if (n < 0) continue;
        c.merge += merge / tasks;
        c.whole += since(begin) / tasks;
    }
    co_await must_run(git(top, {"fsck", "--connectivity-only", "--no-dangling", "--no-progress"}));
    co_return c;
}

awaitable<std::string> words_of(command asked)
{
    auto ended = co_await must_run(std::move(asked));
    co_return ended.out.substr(0, ended.out.find('\n'));
}

/// git merge-tree, commit-tree, update-ref.
awaitable<double> three_commands(fs::path top, std::vector<std::string> first)
{
    co_await start_target(top);
    double all = 0;
    const auto prepared = [&](std::vector<std::string> words) {
        words.insert(words.begin(), first.begin(), first.end());
        return git(top, std::move(words));
    };
    for (int task = 0; task < tasks; ++task) {
        const auto begin = std::chrono::steady_clock::now();
        const std::string name = "task" + std::to_string(task);
        const auto tree = co_await words_of(prepared({"merge-tree", "--write-tree", "target", name}));
        const auto commit =
            co_await words_of(prepared({"commit-tree", "-m", "Merge", "-p", "target", "-p", name, tree}));
        co_await must_run(prepared({"update-ref", "-m", "land", "refs/heads/target", commit}));
        all += since(begin);
    }
    co_return all / tasks;
}

/// git merge in a checkout of the target.
awaitable<double> in_a_checkout(fs::path top)
{
    const fs::path checkout = top.string() + "-checkout";
    co_await must_run(git(top, {"clone", "-q", top.string(), checkout.string()}));
    co_await must_run(git(checkout, {"config", "user.name", "Bench"}));
    co_await must_run(git(checkout, {"config", "user.email", "bench@example.org"}));
    double all = 0;
    for (int task = 0; task <= slow_rounds; ++task) {
        const auto took = co_await timed(
            git(checkout, {"merge", "-q", "--no-ff", "--no-edit", "origin/task" + std::to_string(task)}));
        if (task > 0) all += took; // the first one warms the files up
    }
    std::error_code ignored;
    fs::remove_all(checkout, ignored);
    co_return all / slow_rounds;
}

double by_libgit2(const fs::path& top)
{
    const git::libgit2_use use;
    git::repository_ptr repo;
    if (git_repository_open(git::out(repo), top.c_str()) < 0) throw std::runtime_error("no repository");
    const auto commit = [&](const std::string& name) {
        git_oid id;
        git::commit_ptr found;
        if (git_reference_name_to_id(&id, repo.get(), ("refs/heads/" + name).c_str()) < 0 ||
            git_commit_lookup(git::out(found), repo.get(), &id) < 0)
            throw std::runtime_error("no commit");
        return found;
    };
    double all = 0;
    for (int task = 0; task < slow_rounds; ++task) {
        const auto ours = commit("task" + std::to_string(tasks - 1 - task));
        const auto theirs = commit("task" + std::to_string(task));
        const auto begin = std::chrono::steady_clock::now();
        git_index* merged = nullptr;
        if (git_merge_commits(&merged, repo.get(), ours.get(), theirs.get(), nullptr) < 0)
            throw std::runtime_error("libgit2 does not merge");
        all += since(begin);
        git_index_free(merged);
    }
    return all / slow_rounds;
}

std::string per_second(double seconds_each)
{
    char text[48];
    std::snprintf(text, sizeof text, "%.*f/s (%.2f ms)", seconds_each > 0.1 ? 1 : 0, 1 / seconds_each,
                  seconds_each * 1000);
    return text;
}

row compared(const std::string& what, double our_cost, const std::string& instead, double their_cost)
{
    return {what, per_second(our_cost), instead + ": " + per_second(their_cost),
            times(their_cost / our_cost)};
}

} // namespace

awaitable<std::vector<row>> landing()
{
    const workplace place;
    std::vector<row> rows;
    const std::vector<std::string> synced{"-c", "core.fsync=all"};
    for (const int files : {1'000, 10'000, 100'000}) {
        const auto top = co_await make_tasks(place.path(), files);
        const cost mine = co_await ours(top, git::durability::process);
        const double commands = co_await three_commands(top, {});
        const double checkout = co_await in_a_checkout(top);
        const double libgit2 = by_libgit2(top);
        const cost mine_synced = co_await ours(top, git::durability::power);
        const double commands_synced = co_await three_commands(top, synced);
        const std::string of = ", " + std::to_string(files) + " files";
        const std::string three = "git merge-tree, commit-tree, update-ref";
        rows.push_back(compared("clean merge" + of, mine.merge, "git merge in a checkout", checkout));
        rows.push_back(compared("clean merge" + of, mine.merge, "libgit2's git_merge_commits", libgit2));
        rows.push_back(compared("whole landing" + of, mine.whole, "git merge in a checkout", checkout));
        rows.push_back(compared("whole landing" + of, mine.whole, three, commands));
        rows.push_back(compared("whole landing, durability power" + of, mine_synced.whole,
                                three + ", core.fsync=all", commands_synced));
    }
    co_return rows;
}

} // namespace graftline::bench
