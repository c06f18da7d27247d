// A run that its caller cancels, at any moment and whatever a dead process has left: it ends at once, can be
// gone on with, and nothing refers to it afterwards.
#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/effects/landing/gate_name.hpp"
#include "graftline/effects/operations/resume_run.hpp"
#include "graftline/effects/worktree/abandoned_gates.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "tests/effects/workshop.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

struct eager : observer {
    std::function<void()> on_agent = [] {};
    void doing(const std::string&, std::string_view what) override
    {
        if (what == "agent") on_agent();
    }
};

class StoppedRun : public testing::Test {
protected:
    StoppedRun()
    {
        w.repo.commit_file("shared.txt", "one\n");
        (void)w.run({"before"}, "exit 1"); // makes the state that something is left in
        mark = "sleep-of-" + w.repo.root().filename().string();
        w.defaults.command = {"sh", "-c", "echo begun >begun.txt; exec sleep 1000 # " + mark};
    }
    ~StoppedRun() override
    {
        EXPECT_TRUE(test::soon([this] { return test::running_with(mark) == 0; }));
    }

    fs::path scratch() const { return w.repo.git_folder() / "graftline" / "scratch"; }

    /// A worktree of a gate whose run is gone.
    void leave_gate_worktree()
    {
        const auto name = gate_name("run-0dead0" + std::to_string(++left));
        fs::create_directories(scratch());
        w.repo.git("worktree", "add", "-q", "--detach", "--lock", "--reason", lock_reason(name),
                   (scratch() / name).string(), "main");
    }
    void leave_folder(const std::string& name) const
    {
        fs::create_directories(scratch() / name);
        test::write_file(scratch() / name / "file.txt", "left\n");
    }
    /// A gate that is still carried out: its run's loop was destroyed under it.
    void leave_live_gate()
    {
        auto defaults = w.defaults;
        defaults.command = {"sh", "-c", "echo work >$GRAFTLINE_TASK_ID.txt"};
        defaults.land = land_mode::merge;
        const auto begun = w.repo.root() / "gate-begun";
        fs::remove(begun);
        defaults.gates = {
            {"sh", "-c",
             "trap '' TERM; echo >'" + begun.string() + "'; while :; do sleep 1; done # " + mark}};
        observer nobody;
        stop_button button;
        asio::io_context io(1);
        auto in = w.open(io);
        auto body = [&]() -> awaitable<void> {
            auto tasks = (co_await make_tasks(in, {{"gated", {}, {}}}, defaults)).value();
            tasks[0].spec.grace_ms = 200;
            (void)co_await run_tasks(in, tasks, {}, nobody, button);
        };
        asio::co_spawn(io, body, [](std::exception_ptr) {});
        ASSERT_TRUE(test::soon([&] {
            io.restart();
            io.run_for(std::chrono::milliseconds(5));
            return fs::exists(begun);
        }));
    }

    /// Begins a run and cancels it, not by its button, after so many handlers of the loop, or once its agent
    /// works. True when it came that far.
    bool begin_and_cancel(std::size_t after)
    {
        asio::io_context io(1);
        auto in = w.open(io);
        io.restart();
        eager watcher;
        stop_button button;
        bool works = false, finished = false;
        std::optional<run_report> report;
        watcher.on_agent = [&] { works = true; };
        auto body = [&]() -> awaitable<void> {
            const auto tasks = (co_await make_tasks(in, {{"work", {}, {}}}, w.defaults)).value();
            report = (co_await run_tasks(in, tasks, {}, watcher, button)).value();
        };
        asio::cancellation_signal stop;
        asio::co_spawn(io, body, asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) {
                           finished = true;
                       }));
        for (std::size_t n = 0; n < after && !works && io.run_one_for(test::hang_limit) > 0; ++n) {
        }
        stop.emit(asio::cancellation_type::terminal);
        while (!finished && io.run_one_for(test::hang_limit) > 0) {
        }
        EXPECT_TRUE(finished) << "cancelled after " << after << " handlers, it does not end";
        EXPECT_FALSE(button.on_press) << "something of it would still be called";
        EXPECT_TRUE(!works || report) << "it had begun, and does not say how it ended";
        if (report) {
            EXPECT_TRUE(report->interrupted) << "cancelled after " << after;
            EXPECT_EQ(report->tasks.at(0).state, task_state::pending) << report->tasks.at(0).reason;
        }
        button.press(); // the run is over: nothing happens
        return works;
    }
    bool begin_and_cancel_once_it_works() { return begin_and_cancel(static_cast<std::size_t>(-1)); }

    test::workshop w;
    std::string mark;
    int left = 0;
};

TEST_F(StoppedRun, EndsAtOnceInACleanRepository)
{
    EXPECT_TRUE(begin_and_cancel_once_it_works());
}

TEST_F(StoppedRun, EndsAtOnceWhateverADeadProcessHasLeft)
{
    leave_gate_worktree();
    EXPECT_TRUE(begin_and_cancel_once_it_works()) << "a gate's worktree";
    leave_gate_worktree();
    fs::remove_all(*fs::directory_iterator(scratch()));
    EXPECT_TRUE(begin_and_cancel_once_it_works()) << "one whose folder is gone";
    leave_folder(gate_name("run-0dead00"));
    leave_folder("merge-1-1");
    EXPECT_TRUE(begin_and_cancel_once_it_works()) << "folders that git does not know";
    leave_live_gate();
    EXPECT_TRUE(begin_and_cancel_once_it_works()) << "a gate that is still carried out";
}

TEST_F(StoppedRun, EndsAtOnceAtAnyMomentOfItsBeginning)
{
    std::size_t after = 0;
    do {
        leave_gate_worktree();
        after += 9;
    } while (!begin_and_cancel(after) && !HasFailure());
    EXPECT_GT(after, 20u);
}

TEST_F(StoppedRun, CanBeGoneOnWith)
{
    leave_gate_worktree();
    ASSERT_TRUE(begin_and_cancel_once_it_works());
    w.defaults.command.clear();
    const auto open = w.with([&](std::shared_ptr<project> in) -> awaitable<std::size_t> {
        co_return (co_await interrupted_runs(in)).value().size();
    });
    EXPECT_EQ(open, 1u);
}

} // namespace
} // namespace graftline::effects
