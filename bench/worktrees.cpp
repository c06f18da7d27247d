#include "graftline/bench/worktrees.hpp"

#include "graftline/runtime/async/parallel.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>

namespace graftline::bench {
namespace {

constexpr int at_once = 64;

std::size_t lines(const std::string& text)
{
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

struct round_result {
    double took = 0;
    int failed = 0;
    std::size_t left_over = 0; ///< stray branches and worktrees
};

awaitable<std::filesystem::path> clone_with_origin(const workplace& place, const std::string& name)
{
    const auto origin = co_await make_repository(place.path(), name + "-origin", 300);
    co_await must_run(git(place.path(), {"clone", "-q", origin.string(), name}));
    const auto top = place.path() / name;
    co_await must_run(git(top, {"config", "user.name", "Bench"}));
    co_await must_run(git(top, {"config", "user.email", "bench@example.org"}));
    co_return top;
}

awaitable<std::size_t> strays(std::filesystem::path top)
{
    const auto branches = co_await must_run(git(top, {"branch", "--list", "--format=%(refname)"}));
    const auto trees = co_await must_run(git(top, {"worktree", "list"}));
    co_await must_run(git(top, {"fsck", "--no-dangling", "--no-progress"}));
    co_return lines(branches.out) - 1 + lines(trees.out) - 1;
}

command half_of_the_tasks(const std::filesystem::path& top)
{
    std::vector<std::string> words{"run", "--json", "--base", "origin/main", "--land", "--max", "64"};
    for (int i = 0; i < at_once / 2; ++i)
        words.push_back("task number " + std::to_string(i));
    words.insert(words.end(), {"--", "true"});
    return graftline_in(top, words);
}

awaitable<round_result> ours(const workplace& place, int round)
{
    const auto top = co_await clone_with_origin(place, "ours" + std::to_string(round));
    round_result r;
    auto one = [&](int) -> awaitable<int> {
        const auto ended = (co_await run(half_of_the_tasks(top))).value();
        int failed = at_once / 2;
        if (!ended.out.starts_with("{")) co_return failed;
        const auto report = boost::json::parse(ended.out);
        for (const auto& t : report.at("tasks").as_array())
            failed -= t.at("state").as_string() == "completed";
        co_return failed;
    };
    const auto begin = std::chrono::steady_clock::now();
    auto outcomes = co_await parallel::map(std::vector{0, 1}, one);
    r.took = since(begin);
    for (auto& o : outcomes)
        r.failed += o.value();
    r.left_over = co_await strays(top);
    co_return r;
}

awaitable<round_result> gits(const workplace& place, int round)
{
    const auto top = co_await clone_with_origin(place, "gits" + std::to_string(round));
    std::vector<int> numbers;
    for (int i = 0; i < at_once; ++i)
        numbers.push_back(i);
    round_result r;
    auto one = [&](int i) -> awaitable<int> {
        const auto name = "t" + std::to_string(i);
        const auto path = (place.path() / ("gits" + std::to_string(round) + "-" + name)).string();
        const auto ended =
            (co_await run(git(top, {"worktree", "add", "-q", "-b", name, path, "origin/main"}))).value();
        co_return ended.ok() ? 0 : 1;
    };
    const auto begin = std::chrono::steady_clock::now();
    auto outcomes = co_await parallel::map(numbers, one);
    r.took = since(begin);
    for (auto& o : outcomes)
        r.failed += o.value();
    co_return r;
}

} // namespace

awaitable<std::vector<row>> worktrees(int rounds)
{
    const workplace place;
    double our_time = 0, git_time = 0;
    int our_failures = 0, git_failures = 0;
    std::size_t left_over = 0;
    for (int round = 0; round < rounds; ++round) {
        const auto a = co_await ours(place, round);
        const auto b = co_await gits(place, round);
        our_time += a.took;
        git_time += b.took;
        our_failures += a.failed;
        git_failures += b.failed;
        left_over += a.left_over;
    }
    const auto of = " of " + std::to_string(rounds * at_once);
    std::vector<row> rows;
    rows.push_back({"64 worktrees at once from two processes, base origin/main: failed",
                    std::to_string(our_failures) + of,
                    "git worktree add: " + std::to_string(git_failures) + of, ""});
    rows.push_back({"stray branches and worktrees after it", std::to_string(left_over), "-", ""});
    rows.push_back({"one such round, 300 files; ours with agents, commits and clean-up",
                    seconds(our_time / rounds), "git worktree add alone: " + seconds(git_time / rounds),
                    times(git_time / our_time)});
    co_return rows;
}

} // namespace graftline::bench
