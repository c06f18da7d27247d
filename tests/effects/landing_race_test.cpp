// Landings that something comes between: somebody else who moves the target, or their end.
#include "graftline/effects/operations/operations.hpp"
#include "graftline/runtime/async/scope.hpp"
#include "graftline/runtime/process/command.hpp"

#include "tests/effects/workshop.hpp"
#include "tests/support/cancel_at_every_step.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace graftline::effects {
namespace {

/// A branch for each of `count` tasks, from main's tip, with one file of its own; made in one process.
std::vector<task> tasks_with_branches(test::workshop& w, int count)
{
    const auto base = w.repo.git("rev-parse", "main");
    std::string stream;
    for (int i = 0; i < count; ++i) {
        const auto n = std::to_string(i);
        stream += "commit refs/heads/task/" + n + "\ncommitter A <a@example.org> 1700000000 +0000\ndata 1\n" +
                  n.substr(0, 1) + "\nfrom " + base + "\nM 100644 inline dir" + std::to_string(i % 20) +
                  "/file" + n + "\ndata " + std::to_string(n.size()) + "\n" + n + "\n\n";
    }
    command import("git");
    import.args("fast-import", "--quiet").in(w.repo.top()).feed(stream);
    asio::io_context io(1);
    const auto imported = test::run_here(io, graftline::run(std::move(import)));
    EXPECT_TRUE(imported && imported->ok()) << (imported ? imported->err : imported.error().message());

    std::vector<task> tasks;
    for (int i = 0; i < count; ++i) {
        task t;
        t.id = "t" + std::to_string(1000 + i);
        t.spec.description = "task " + std::to_string(i);
        t.spec.target = "trunk";
        t.state = task_state::completed;
        t.branch = "task/" + std::to_string(i);
        t.base = base;
        t.commit = w.repo.git("rev-parse", "refs/heads/" + t.branch);
        t.created_at = now_text();
        tasks.push_back(t);
    }
    return tasks;
}

/// Commits to `trunk` as fast as git can, until it is told to stop; counts what it has made.
constexpr const char* committer = R"(
    n=0
    while [ ! -e "$1" ]; do
        old=$(git rev-parse refs/heads/trunk)
        new=$(git commit-tree "$old^{tree}" -p "$old" -m "somebody else")
        git update-ref refs/heads/trunk "$new" "$old" 2>/dev/null && n=$((n + 1))
    done
    echo $n)";

void race(int count)
{
    test::workshop w;
    w.repo.commit_file("shared.txt", "one\n");
    w.repo.git("branch", "trunk");
    const auto tasks = tasks_with_branches(w, count);
    const auto stop = w.repo.git_folder() / "stop";
    int theirs = 0;
    const auto report = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        co_await in->must_store([&](store& s) { s.add(tasks); });
        scope beside(co_await asio::this_coro::executor);
        auto commit_along = [&]() -> awaitable<void> {
            command other("sh");
            other.args("-c", committer, "sh", stop.string()).in(w.repo.top());
            const auto done = co_await graftline::run(std::move(other));
            if (done && done->ok()) theirs = std::stoi(done->out);
        };
        beside.spawn(commit_along());
        std::vector<std::string> ids;
        for (const auto& t : tasks)
            ids.push_back(t.id);
        observer silent;
        stop_button button;
        auto landed = co_await land_tasks(in, ids, {}, silent, button);
        test::write_file(stop, "");
        co_await beside.join();
        co_return std::move(landed.value());
    });

    std::set<std::string> landed;
    for (const auto& t : report.tasks) {
        EXPECT_EQ(t.state, task_state::merged) << t.id << ": " << t.reason;
        landed.insert(t.landed);
    }
    EXPECT_EQ(landed.size(), tasks.size()) << "each by a commit of its own";
    const auto merges = w.repo.git("rev-list", "--first-parent", "--merges", "trunk");
    EXPECT_EQ(std::ranges::count(merges, '\n') + 1, count) << "none twice, none missing";
    for (const auto& t : report.tasks)
        EXPECT_NE(merges.find(t.landed), std::string::npos) << t.id;
    EXPECT_EQ(std::stoi(w.repo.git("rev-list", "--count", "--first-parent", "trunk")), 1 + count + theirs)
        << "nothing of the other's is lost";
    EXPECT_EQ(w.repo.git("fsck", "--no-dangling", "--no-progress"), "");
}

TEST(LandingRace, TwoHundredTasksLandOnceEachOnATargetThatMovesAllTheTime)
{
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    GTEST_SKIP() << "instrumented, a landing takes longer than the others leave between their commits";
#endif
    const test::longer_hang_limit patience(std::chrono::seconds(200));
    race(200);
}

TEST(LandingCancelled, LandsOnceWhereverItWasStopped)
{
    test::workshop w;
    w.repo.commit_file("shared.txt", "one\n");
    w.repo.git("branch", "trunk");
    const auto tasks = tasks_with_branches(w, 60);
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        co_await in->must_store([&](store& s) { s.add(tasks); });
    });
    std::size_t tried = 0;
    bool undisturbed = false;
    for (std::size_t step = 0; !undisturbed && tried < tasks.size(); step += 1 + step / 6) {
        const std::vector<std::string> one{tasks[tried++].id};
        observer silent;
        {
            stop_button button;
            asio::io_context io(1);
            const auto in = w.open(io);
            io.restart();
            auto body = [&]() -> awaitable<void> { (void)co_await land_tasks(in, one, {}, silent, button); };
            asio::cancellation_signal stop;
            bool finished = false;
            asio::co_spawn(io, body(), asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) {
                               finished = true;
                           }));
            undisturbed = test::detail::run_steps(io, step, finished);
            stop.emit(asio::cancellation_type::terminal);
            test::run_guarded(io);
            ASSERT_TRUE(finished) << "did not end when cancelled after step " << step;
        }
        if (w.find(one[0]).state != task_state::merged)
            w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
                stop_button button;
                const auto landed = co_await land_tasks(in, one, {}, silent, button);
                EXPECT_TRUE(landed) << landed.error().message();
            });
        EXPECT_EQ(w.find(one[0]).state, task_state::merged) << "after step " << step;
    }
    EXPECT_TRUE(undisturbed);
    EXPECT_EQ(w.repo.git("rev-list", "--count", "--first-parent", "--merges", "trunk"),
              std::to_string(tried));
    for (const auto& entry : std::filesystem::directory_iterator(w.repo.git_folder() / "objects/pack"))
        EXPECT_NE(entry.path().extension(), ".keep");
    EXPECT_EQ(w.repo.git("fsck", "--no-dangling", "--no-progress"), "");
}

} // namespace
} // namespace graftline::effects
