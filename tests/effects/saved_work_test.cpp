#include "graftline/effects/agent/run_agent.hpp"
#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/run/context.hpp"
#include "graftline/effects/worktree/create_worktree.hpp"
#include "graftline/effects/worktree/save_work.hpp"
#include "graftline/runtime/supervisor/attempt_files.hpp"

#include <boost/asio/co_spawn.hpp>

#include "tests/effects/workshop.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

/// What agents made is under a ref when they do not go on.
class SavedWork : public testing::Test {
protected:
    SavedWork() { w.repo.commit_file("readme.txt", "hello\n"); }

    std::string content(const task& t, const std::string& file)
    {
        return t.rescues.empty() ? "nothing saved" : w.repo.git("show", t.rescues.back() + ":" + file);
    }

    test::workshop w;
};

TEST_F(SavedWork, AnInterruptionBetweenAnAgentsEndAndTheCommitLosesNothing)
{
    struct impatient : observer {
        stop_button* button = nullptr;
        void changed(const task& t) override
        {
            if (t.exit_code) button->press();
        }
    } watcher;
    watcher.button = &w.button;
    w.defaults.command = {"sh", "-c", "echo made > made.txt"};
    const auto report = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        const auto tasks = (co_await make_tasks(in, {{"make", {}, {}}}, w.defaults)).value();
        co_return (co_await run_tasks(in, tasks, {}, watcher, w.button)).value();
    });
    const auto& t = report.tasks.at(0);
    EXPECT_TRUE(report.interrupted);
    EXPECT_EQ(t.state, task_state::pending) << t.reason;
    EXPECT_EQ(t.commit, "");
    EXPECT_EQ(content(t, "made.txt"), "made");
}

TEST_F(SavedWork, AnAgentThatIsNotAskedForAnyMoreIsEndedAndItsWorkKept)
{
    const auto begun = w.repo.root() / "begun";
    w.defaults.command = {"sh", "-c", "echo made > made.txt; touch '" + begun.string() + "'; sleep 600"};
    std::string id, run_id;
    stop_button button;
    observer nobody;
    auto asks = [&](bool for_its_agent) {
        return [&, for_its_agent](run& r) -> awaitable<void> {
            run_id = r.id();
            context ctx(r, "0");
            co_await ctx.perform(create_worktree{id});
            if (for_its_agent) co_await ctx.perform(run_agent{id, {}, {}, {}});
        };
    };
    {
        // The process dies while the agent works: its loop is destroyed under it.
        asio::io_context io(1);
        auto in = w.open(io);
        auto first = [&]() -> awaitable<void> {
            auto tasks = (co_await make_tasks(in, {{"make", {}, {}}}, w.defaults)).value();
            id = tasks.at(0).id;
            run_options options;
            options.fresh = tasks;
            (void)co_await as_run(in, {id}, options, nobody, button, asks(true));
        };
        asio::co_spawn(io, first, [](std::exception_ptr) {});
        ASSERT_TRUE(test::soon([&] {
            io.restart();
            io.run_for(std::chrono::milliseconds(20));
            return std::filesystem::exists(begun);
        }));
    }
    EXPECT_GT(test::running_with("GRAFTLINE_TASK_ID=" + id), 0u) << "its supervisor keeps it";
    const auto report = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        run_options options;
        options.resume = run_id;
        co_return (co_await as_run(in, {id}, options, nobody, button, asks(false))).value();
    });
    EXPECT_EQ(test::running_with("GRAFTLINE_TASK_ID=" + id), 0u);
    EXPECT_EQ(content(report.tasks.at(0), "made.txt"), "made");
}

TEST_F(SavedWork, AnAgentThatFailedWhileTheDiskDidIsNoOutcome)
{
    task t;
    t.attempt = (w.repo.root() / "attempt").string();
    std::filesystem::create_directory(t.attempt);
    const auto ended_with = [&](int code) {
        exit_record ended;
        ended.how = ending::exited;
        ended.code = code;
        const auto file = std::filesystem::path(t.attempt) / attempt::exit_name;
        EXPECT_TRUE(attempt::replace_file(file, attempt::to_json(ended)));
        forget_failed_end(t);
        return read_exit_record(t.attempt).value()->how;
    };
    EXPECT_EQ(ended_with(5), ending::cancelled) << "it is started again";
    EXPECT_EQ(ended_with(0), ending::exited) << "what it did is done";
}

} // namespace
} // namespace graftline::effects
