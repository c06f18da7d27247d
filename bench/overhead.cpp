#include "graftline/bench/overhead.hpp"

#include "graftline/effects/store/store.hpp"

#include <algorithm>

namespace graftline::bench {
namespace {

command tasks_that_sleep(const std::filesystem::path& top, int count, const std::string& length, int places)
{
    std::vector<std::string> words{"run", "--json", "--max", std::to_string(places)};
    for (int i = 0; i < count; ++i)
        words.push_back("task " + std::to_string(i));
    words.insert(words.end(), {"--", "sleep", length});
    return graftline_in(top, words);
}

awaitable<double> median(std::function<command()> make, int rounds)
{
    std::vector<double> all;
    for (int i = 0; i < rounds; ++i)
        all.push_back(co_await timed(make()));
    std::ranges::sort(all);
    co_return all[all.size() / 2];
}

} // namespace

awaitable<std::vector<row>> overhead()
{
    const workplace place;
    const auto top = co_await make_repository(place.path(), "repo", 10);
    const double three = co_await median([&] { return tasks_that_sleep(top, 3, "2", 3); }, 3);
    const double sixteen = co_await median([&] { return tasks_that_sleep(top, 16, "0.5", 4); }, 3);
    std::vector<row> rows;
    rows.push_back({"three agents of 2 s at once, 10 files, start to end", seconds(three), "ideal: 2.00 s",
                    "+" + seconds(three - 2)});
    rows.push_back({"16 agents of 0.5 s in 4 places, 10 files, start to end", seconds(sixteen),
                    "ideal: 2.00 s", "+" + seconds(sixteen - 2)});
    co_return rows;
}

awaitable<std::vector<row>> status_of_many()
{
    const workplace place;
    const auto top = co_await make_repository(place.path(), "repo", 300);
    {
        effects::store store(top / ".git" / "graftline");
        for (int i = 0; i < 1000; ++i) {
            effects::task t;
            t.id = std::to_string(100000 + i);
            t.spec.description = "Task number " + std::to_string(i);
            t.created_at = effects::now_text();
            store.add(t);
        }
    }
    const double ours = co_await median([&] { return graftline_in(top, {"status"}); }, 11);
    const double gits = co_await median([&] { return git(top, {"status"}); }, 11);
    const double version = co_await median([&] { return graftline_in(top, {"--version"}); }, 11);
    std::vector<row> rows;
    rows.push_back({"status with 1,000 tasks", seconds(ours), "git status, 300 files: " + seconds(gits),
                    times(gits / ours)});
    rows.push_back({"start of the program (--version)", seconds(version), "-", ""});
    co_return rows;
}

awaitable<std::vector<row>> cleaning()
{
    constexpr int trees = 24;
    const workplace place;
    const auto ours_in = co_await make_repository(place.path(), "ours", 300);
    std::vector<std::string> words{"run", "--land", "--keep-worktrees"};
    for (int i = 0; i < trees; ++i)
        words.push_back("task " + std::to_string(i));
    words.insert(words.end(), {"--", "sh", "-c", "echo x > $GRAFTLINE_TASK_ID.txt"});
    co_await must_run(graftline_in(ours_in, words));
    const double ours = co_await timed(graftline_in(ours_in, {"clean"}));

    const auto gits_in = co_await make_repository(place.path(), "gits", 300);
    for (int i = 0; i < trees; ++i)
        co_await must_run(git(
            gits_in, {"worktree", "add", "-q", "-b", "t" + std::to_string(i), "../t" + std::to_string(i)}));
    double gits = 0;
    for (int i = 0; i < trees; ++i) {
        gits += co_await timed(git(gits_in, {"worktree", "remove", "../t" + std::to_string(i)}));
        gits += co_await timed(git(gits_in, {"branch", "-q", "-d", "t" + std::to_string(i)}));
    }
    std::vector<row> rows;
    rows.push_back({"clean of 24 landed worktrees, 300 files, each looked through first", seconds(ours),
                    "git worktree remove, git branch -d: " + seconds(gits), times(gits / ours)});
    co_return rows;
}

} // namespace graftline::bench
