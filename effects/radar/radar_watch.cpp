#include "graftline/effects/radar/radar_watch.hpp"

#include "graftline/effects/radar/overlap_record.hpp"
#include "graftline/effects/radar/radar.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/runtime/async/deadline.hpp"
#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/base/clock.hpp"
#include "graftline/runtime/files/file_events.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <set>

namespace graftline::effects {
namespace {

using namespace std::chrono_literals;
using milliseconds = std::chrono::milliseconds;
namespace fs = std::filesystem;

constexpr milliseconds rest = 1s;              // after a change more of them follow
constexpr milliseconds while_agents_work = 5s; // they edit files that nobody watches
constexpr milliseconds otherwise = 60s;        // branches in folders that nobody watches
constexpr int share = 9;                       // time left to others for each look's own

using key = std::tuple<std::string, std::string, std::string>;
using overlaps_by_key = std::map<key, overlap>;

overlaps_by_key by_key(const std::vector<overlap>& all)
{
    overlaps_by_key keyed;
    for (const auto& one : all)
        keyed.emplace(key(one.a, one.b, one.target), one);
    return keyed;
}

bool concerns(const overlap& one, const std::set<std::string>& ours)
{
    return ours.contains(one.a) || ours.contains(one.b);
}

/// What has news about the tasks: for each worktree what git records of it, and the branches.
std::vector<fs::path> folders_with_news(run& r, const std::vector<task>& tasks)
{
    const auto& repo = r.repository();
    std::set<fs::path> folders{repo.common_dir() / "refs" / "heads"};
    for (const auto& t : tasks) {
        if (!target_of(t).empty())
            folders.insert((repo.common_dir() / "refs" / "heads" / target_of(t)).parent_path());
        if (t.worktree.empty() || !t.worktree_ready) continue;
        const auto now = located(repo, t);
        if (!now) continue;
        if (const auto records = git::records_of_worktree(repo, now->worktree)) folders.insert(*records);
        folders.insert(now->worktree);
    }
    return {folders.begin(), folders.end()};
}

awaitable<void> news_of(std::shared_ptr<file_events::ticket> one)
{
    co_await one->wait(file_events::ticket::for_ever);
}

class watch {
public:
    watch(run& r, asio::any_io_executor executor) : run_(r), executor_(std::move(executor)), radar_(r.in()) {}

    awaitable<void> go_on()
    {
        co_await real_clock().wait_for(rest); // a short run needs none
        for (;;) {
            const auto began = std::chrono::steady_clock::now();
            const auto tasks = co_await live_tasks();
            const auto announced = announcements(tasks); // before the look: what comes meanwhile counts
            if (tasks) co_await look(*tasks);
            const auto took =
                std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
            co_await next_change(announced, tasks && agents_work(*tasks) ? while_agents_work : otherwise);
            co_await real_clock().wait_for(std::max(rest, share * took));
        }
    }

private:
    awaitable<result<std::vector<task>>> live_tasks()
    {
        auto all = co_await run_.in().stored([](store& s) { return s.tasks_not_over(); });
        if (!all) co_return all.error();
        std::erase_if(*all, [](const task& t) { return !is_live(t); });
        co_return all;
    }

    static bool agents_work(const std::vector<task>& tasks)
    {
        return std::ranges::any_of(tasks, [](const task& t) { return t.state == task_state::running; });
    }

    std::vector<std::shared_ptr<file_events::ticket>> announcements(const result<std::vector<task>>& tasks)
    {
        std::vector<std::shared_ptr<file_events::ticket>> all;
        if (!tasks) return all;
        for (const auto& folder : folders_with_news(run_, *tasks))
            if (auto one = file_events::watch(executor_, folder); one->works()) all.push_back(std::move(one));
        return all;
    }

    awaitable<void> next_change(std::vector<std::shared_ptr<file_events::ticket>> announced,
                                milliseconds at_most)
    {
        std::vector<awaitable<void>> first;
        for (auto& one : announced)
            first.push_back(news_of(std::move(one)));
        first.push_back(real_clock().wait_for(at_most));
        co_await parallel::race(std::move(first));
    }

    awaitable<void> look(std::vector<task> tasks)
    {
        std::set<std::string> ours, live{""}; // "": a target
        for (const auto& t : tasks) {
            live.insert(t.id);
            if (t.run == run_.id() || t.owner == run_.id()) ours.insert(t.id);
        }
        const auto seen = co_await radar_.look(std::move(tasks));
        if (!seen) co_return; // a forecast that cannot be made is none
        auto present = by_key(seen->overlaps);
        if (recorded_ && present == told_) co_return;
        for (const auto& [key, one] : present)
            if (!told_.contains(key) && concerns(one, ours)) run_.watcher().note(to_sentence(one));
        for (const auto& [key, one] : told_)
            if (!present.contains(key) && concerns(one, ours) && live.contains(one.a) && live.contains(one.b))
                run_.watcher().note(relief(one)); // one that has landed is no relief
        told_ = std::move(present);
        const auto folder = run_.in().state_folder();
        auto record = [&] { return record_overlaps(folder, seen->overlaps); };
        recorded_ = (co_await offload(record)).has_value();
    }

    static std::string relief(const overlap& one)
    {
        return one.a + " and " + (one.b.empty() ? "its target " + one.target : one.b) +
               " do not conflict any more";
    }

    run& run_;
    asio::any_io_executor executor_;
    radar radar_;
    overlaps_by_key told_;
    bool recorded_ = false; ///< an earlier run's record may still be there
};

} // namespace

awaitable<void> watch_for_overlaps(run& r)
{
    watch eyes(r, co_await asio::this_coro::executor);
    try {
        co_await eyes.go_on();
    } catch (const std::exception&) { // cancelled; nothing else may take along what goes on beside it
    }
}

} // namespace graftline::effects
