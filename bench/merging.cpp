#include "graftline/bench/merging.hpp"

#include "graftline/bench/history.hpp"
#include "graftline/git/merge/merge.hpp"
#include "graftline/git/merge/tree_merge.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/repository.hpp"

#include <stdexcept>

namespace graftline::bench {
namespace {

namespace fs = std::filesystem;

/// Pairs of branches, each of two commits of its own.
constexpr int pairs = 60;

/// Branches `oursN` and `theirsN`: each changes three files, one of them is the same, in other lines.
awaitable<fs::path> make_branches(fs::path in, int files)
{
    history all(files, 40);
    for (int pair = 0; pair < pairs; ++pair) {
        const int step = files / (pairs * 4);
        const int both = pair * step * 4;
        const std::string number = std::to_string(pair);
        all.branch("ours" + number,
                   {{both, 3, "ours " + number}, {both + step, 3, "ours"}, {both + 2 * step, 3, "ours"}});
        all.branch(
            "theirs" + number,
            {{both, 30, "theirs " + number}, {both + step + 1, 3, "theirs"}, {both + 3 * step, 3, "theirs"}});
    }
    co_return co_await std::move(all).import_into(in / std::to_string(files));
}

struct measured {
    double walk, whole, command;
};

/// The walk without commits and without the pool.
double walk_alone(const fs::path& top, const std::vector<git::merge_question>& questions)
{
    const git::libgit2_use use;
    git::odb_ptr odb;
    if (git_odb_open(git::out(odb), (top / "objects").c_str()) < 0) throw std::runtime_error("no objects");
    git::object_reader objects(std::move(odb));
    git::merge_surroundings around;
    std::vector<double> all;
    git_oid base{};
    for (const auto& one : questions) {
        const git_oid commits[2] = {git::from_oid(one.ours).value(), git::from_oid(one.theirs).value()};
        git::merge_trees trees{base, objects.tree_of(commits[0]).value(),
                               objects.tree_of(commits[1]).value()};
        if (&one == &questions.front()) { // the base is the first question, merged with itself
            base = trees.ours;
            continue;
        }
        const auto begin = std::chrono::steady_clock::now();
        const auto merged = git::tree_merge(objects, around, trees, {"ours", "theirs"});
        all.push_back(since(begin));
        if (!merged || !merged->clean()) throw std::runtime_error("a walk gave no clean merge");
    }
    return median(std::move(all));
}

awaitable<measured> measure(fs::path top)
{
    auto repo = (co_await git::repository::discover(top)).value();
    std::vector<git::merge_question> questions;
    const auto main = (co_await git::resolve(*repo, "main")).value();
    questions.push_back({main, main});
    for (int pair = 0; pair < pairs; ++pair) {
        const std::string number = std::to_string(pair);
        const auto ours = (co_await git::resolve(*repo, "ours" + number)).value();
        const auto theirs = (co_await git::resolve(*repo, "theirs" + number)).value();
        questions.push_back({ours, theirs});
    }
    std::vector<double> whole;
    for (const auto& one : questions) {
        const auto begin = std::chrono::steady_clock::now();
        const auto merged = (co_await git::merge_commits(*repo, one.ours, one.theirs)).value();
        whole.push_back(since(begin));
        if (!merged.clean() || !merged.in_process) throw std::runtime_error("a merge was left to git");
    }
    std::vector<double> command;
    for (const auto& one : questions)
        command.push_back(
            co_await timed(git(top, {"merge-tree", "--write-tree", one.ours.hex(), one.theirs.hex()})));
    co_return measured{walk_alone(top, questions), median(std::move(whole)), median(std::move(command))};
}

} // namespace

awaitable<std::vector<row>> merging()
{
    const workplace place;
    std::vector<row> rows;
    for (const int files : {1'000, 10'000, 100'000}) {
        const auto top = co_await make_branches(place.path(), files);
        const measured m = co_await measure(top);
        const std::string many = std::to_string(files) + " files, 3 changed a side";
        rows.push_back({"clean merge, the walk alone, " + many, seconds(m.walk),
                        "git merge-tree: " + seconds(m.command), times(m.command / m.walk)});
        rows.push_back({"clean merge of commits, " + many, seconds(m.whole),
                        "git merge-tree: " + seconds(m.command), times(m.command / m.whole)});
    }
    co_return rows;
}

} // namespace graftline::bench
