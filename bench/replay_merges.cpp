// replay_merges REPOSITORY [LAST]: merges the parents of every merge commit (of the last LAST ones) again, by
// ourselves and by git, and compares what comes out. Prints how many we decided, how many differ, and median
// times. Exits with 1 when any differs. Nothing is written into the repository.

#include "graftline/bench/table.hpp"
#include "graftline/git/merge/direct_merges.hpp"
#include "graftline/git/merge/merge_by_command.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <set>

namespace {

using namespace graftline;
using clock_type = std::chrono::steady_clock;

struct tally {
    std::size_t decided = 0, conflicts = 0, different = 0;
    std::vector<double> ours, gits;
    std::vector<std::string> reasons;
};

double since(clock_type::time_point begin)
{
    return std::chrono::duration<double>(clock_type::now() - begin).count();
}

std::string median(std::vector<double> all)
{
    if (all.empty()) return "-";
    std::ranges::sort(all);
    return bench::seconds(all[all.size() / 2]);
}

awaitable<std::vector<git::merge_question>> merges_of(git::repository& repo, std::string last)
{
    auto list = repo.git("rev-list", "--all", "--min-parents=2", "--max-parents=2", "--parents");
    if (!last.empty()) list.add("--max-count=" + last);
    const auto lines = (co_await git::repository::answer(std::move(list))).value();
    std::vector<git::merge_question> questions;
    for (const std::string& line : git::records_of(lines, '\n')) {
        const auto ids = git::records_of(line, ' ');
        questions.push_back({git::oid(ids.at(1)), git::oid(ids.at(2))});
    }
    co_return questions;
}

/// The tree and the conflicting paths as one plain `git merge-tree` gives them, without attributes.
awaitable<std::vector<std::string>> ask_git(git::repository& repo, const git::merge_question& one,
                                            const std::filesystem::path& empty,
                                            const std::filesystem::path& objects, tally& all)
{
    auto merge = repo.git("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", one.ours.hex(),
                          one.theirs.hex());
    git::write_apart(merge, repo, objects);
    merge.in(empty).set("GIT_WORK_TREE", empty.string());
    const auto begin = clock_type::now();
    const auto output = (co_await run(std::move(merge))).value();
    all.gits.push_back(since(begin));
    auto records = git::records_of(output.out);
    std::erase(records, "");
    co_return records;
}

awaitable<bool> is_gits_answer(git::repository& repo, const git::merge_question& one,
                               const git::merge_outcome& mine)
{
    const auto gits = co_await git::merge_by_command(repo, std::nullopt, one.ours, one.theirs);
    co_return gits && gits->tree == mine.tree && gits->conflicts == mine.conflicts;
}

awaitable<void> replay(std::filesystem::path where, std::string last, tally& all)
{
    const auto repo = (co_await git::repository::discover(where)).value();
    const auto questions = co_await merges_of(*repo, last);
    const bench::workplace empty;
    const bench::workplace objects;
    for (const auto& one : questions) {
        const auto begin = clock_type::now();
        std::vector<git::direct_question> asked{{std::nullopt, one.ours, one.theirs}};
        const auto answers = co_await git::direct_merges::of(*repo).answer(*repo, std::move(asked));
        const double took = since(begin);
        if (!answers.front()) {
            all.reasons.push_back(answers.front().error().what());
            continue;
        }
        const git::merge_outcome& mine = *answers.front();
        ++all.decided;
        all.ours.push_back(took);
        all.conflicts += mine.clean() ? 0 : 1;
        std::vector<std::string> expected{mine.tree.hex()};
        for (const auto& conflict : mine.conflicts)
            expected.push_back(conflict.path);
        const auto gits = co_await ask_git(*repo, one, empty.path(), objects.path(), all);
        // Attributes may be what makes them differ: then the slow way tells.
        if (gits == expected || co_await is_gits_answer(*repo, one, mine)) continue;
        ++all.different;
        std::cout << "different: git merge-tree --write-tree " << one.ours.hex() << " " << one.theirs.hex()
                  << "\n  we say " << mine.tree.hex() << " with " << mine.conflicts.size() << " conflicts\n";
    }
    std::cout << questions.size() << " merges, " << all.decided << " decided here (" << all.conflicts
              << " of them conflicts), " << all.different << " different; median " << median(all.ours)
              << ", git merge-tree " << median(all.gits) << "\n";
    for (const auto& reason : std::set(all.reasons.begin(), all.reasons.end()))
        std::cout << "  " << std::ranges::count(all.reasons, reason) << " to git: " << reason << "\n";
}

} // namespace

int main(int argc, char** argv)
{
    if (argc < 2 || argc > 3) {
        std::cerr << "usage: replay_merges REPOSITORY [LAST]\n";
        return 2;
    }
    asio::io_context io(1);
    std::exception_ptr failed;
    tally all;
    asio::co_spawn(io, replay(argv[1], argc > 2 ? argv[2] : "", all),
                   [&](std::exception_ptr e) { failed = e; });
    io.run();
    try {
        if (failed) std::rethrow_exception(failed);
    } catch (const std::exception& e) {
        std::cerr << "replay_merges: " << e.what() << '\n';
        return 3;
    }
    return all.different == 0 ? 0 : 1;
}
