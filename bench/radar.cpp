#include "graftline/bench/radar.hpp"

#include "graftline/effects/radar/radar.hpp"
#include "graftline/effects/store/project.hpp"

#include <stdexcept>

namespace graftline::bench {
namespace {

constexpr int branches = 32;

std::string file(int number)
{
    return "d" + std::to_string(number / 100) + "/f" + std::to_string(number) + ".txt";
}

/// Each branch changes twelve files of its own and one that it shares with three others.
std::string history(const std::string& base)
{
    std::string stream;
    const auto change = [&](int number, int by) {
        const std::string text =
            "file " + std::to_string(number) + "\nchanged by " + std::to_string(by) + "\nline\n";
        stream +=
            "M 100644 inline " + file(number) + "\ndata " + std::to_string(text.size()) + "\n" + text + "\n";
    };
    for (int branch = 0; branch < branches; ++branch) {
        stream += "commit refs/heads/task/" + std::to_string(branch) +
                  "\ncommitter Bench <bench@example.org> 1700000000 +0000\ndata 4\nwork\nfrom " + base + "\n";
        for (int n = 0; n < 12; ++n)
            change(100 + branch * 137 + n * 11, branch);
        change(branch % 8, branch);
    }
    return stream;
}

/// Tasks whose worktrees are gone and whose branches wait to be landed.
std::vector<effects::task> tasks_of(const std::string& base)
{
    std::vector<effects::task> tasks;
    for (int branch = 0; branch < branches; ++branch) {
        effects::task t;
        t.id = std::to_string(100000 + branch);
        t.spec.description = "Task number " + std::to_string(branch);
        t.spec.target = "main";
        t.branch = "task/" + std::to_string(branch);
        t.base = base;
        t.state = effects::task_state::completed;
        t.created_at = effects::now_text();
        tasks.push_back(std::move(t));
    }
    return tasks;
}

std::string pairs()
{
    std::string lines;
    for (int a = 0; a < branches; ++a)
        for (int b = a + 1; b < branches; ++b)
            lines += "task/" + std::to_string(a) + " task/" + std::to_string(b) + "\n";
    return lines;
}

} // namespace

awaitable<std::vector<row>> radar()
{
    constexpr int rounds = 7;
    const workplace place;
    const auto top = co_await make_repository(place.path(), "repo", 5000);
    auto base = (co_await must_run(git(top, {"rev-parse", "HEAD"}))).out;
    base.pop_back();
    auto import = git(top, {"fast-import", "--quiet"});
    import.feed(history(base));
    co_await must_run(std::move(import));
    const auto tasks = tasks_of(base);
    {
        effects::store store(top / ".git" / "graftline");
        store.add(tasks);
    }
    std::vector<double> looks, again, checks, gits;
    auto project = (co_await effects::project::open(top)).value();
    std::size_t found = 0, compared = 0;
    for (int round = 0; round < rounds; ++round) {
        effects::radar eyes(*project);
        const auto first = (co_await eyes.look(tasks)).value();
        const auto second = (co_await eyes.look(tasks)).value();
        if (!first.not_checked.empty()) throw std::runtime_error(first.not_checked.front());
        looks.push_back(first.milliseconds / 1000);
        again.push_back(second.milliseconds / 1000);
        found = first.overlaps.size();
        compared = first.pairs;
        checks.push_back(co_await timed(graftline_in(top, {"check", "--json"})));
        auto merge_tree = git(top, {"merge-tree", "--write-tree", "--stdin"});
        merge_tree.feed(pairs());
        gits.push_back(co_await timed(std::move(merge_tree)));
    }
    const auto instead = "git merge-tree --stdin, 496 pairs: " + seconds(median(gits));
    std::vector<row> rows;
    rows.push_back({"all pairs of 32 branches and their target, 5,000 files: " + std::to_string(compared) +
                        " merges, " + std::to_string(found) + " conflicts",
                    seconds(median(looks)), instead, times(median(gits) / median(looks))});
    rows.push_back({"the same again with nothing changed", seconds(median(again)), instead,
                    times(median(gits) / median(again))});
    rows.push_back({"graftline check, start to end", seconds(median(checks)), instead,
                    times(median(gits) / median(checks))});
    co_return rows;
}

} // namespace graftline::bench
