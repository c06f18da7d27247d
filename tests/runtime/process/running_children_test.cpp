// Commands of ours and the end of our process: before it, and after it.
#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/process/child.hpp"
#include "graftline/runtime/process/command.hpp"
#include "graftline/runtime/process/left_commands.hpp"
#include "graftline/runtime/process/running_children.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::run_here;

launch launch_of(const command& what)
{
    launch how;
    how.words = what.words();
    how.environment = what.environment();
    return how;
}

class RunningChildren : public testing::Test {
protected:
    ~RunningChildren() override
    {
        EXPECT_TRUE(test::soon([this] { return test::running_with(mark) == 0; })) << "something runs on";
    }

    /// Says that it runs, in a file of its own, and goes on for long; `script` comes first.
    command slow(const std::string& script)
    {
        return command("sh").args("-c", script + "\necho > '" + begun.string() + "'; sleep 1000 # " + mark);
    }
    void expect_begun()
    {
        EXPECT_TRUE(test::soon([this] { return std::filesystem::exists(begun); }));
    }
    /// In a session of its own, deaf to TERM.
    std::string stray() const
    {
        return "setsid sh -c 'trap \"\" TERM; echo > \"" + astray.string() +
               "\"; while :; do sleep 1; done # " + mark + "' &";
    }

    test::test_repository repo;
    std::filesystem::path begun = repo.root() / "begun", astray = repo.root() / "astray";
    std::string mark = "running-" + repo.root().filename().string();
};

TEST_F(RunningChildren, StoppingOneEndsWhatHasLeftItsGroup)
{
    asio::io_context io(1);
    auto one = child::start(io.get_executor(), launch_of(slow(stray()))).value();
    expect_begun();
    EXPECT_TRUE(test::soon([this] { return std::filesystem::exists(astray); }));
    EXPECT_EQ(run_here(io, one->stop(10s)), exit_status(signaled{SIGTERM, false}));
}

/// Out of reach of any cancellation.
awaitable<command_output> shielded_run(command what)
{
    co_return (co_await shielded(run(std::move(what)))).value();
}

TEST_F(RunningChildren, WhatMayNotBeInterruptedIsEndedWhenTheProgramEnds)
{
    asio::io_context io(1);
    auto end_it = [&]() -> awaitable<void> {
        running_children::of(io.get_executor())->hurry(io.get_executor(), 50ms, 100ms);
        co_return;
    };
    auto both = [&]() -> awaitable<exit_status> {
        co_await end_it();
        co_return (co_await shielded_run(slow("trap '' TERM"))).status; // started only then
    };
    EXPECT_EQ(run_here(io, both()), exit_status(signaled{SIGKILL, false}));
    EXPECT_EQ(run_here(io, shielded_run(command("true"))).status, exit_status(exited{0})) << "others start";
}

TEST_F(RunningChildren, KillingAllLeavesNoneAndStartsNoMore)
{
    asio::io_context io(1);
    const auto all = running_children::of(io.get_executor());
    auto one = child::start(io.get_executor(), launch_of(slow("trap '' TERM\n" + stray()))).value();
    expect_begun();
    all->kill_all();
    EXPECT_EQ(run_here(io, one->wait()), exit_status(signaled{SIGKILL, false}));
    const auto refused = run_here(io, run(command("true")));
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errc::interrupted));
}

/// Runs `what` in a process that is killed once that has begun.
void leave(const command& what, const std::function<void()>& begun)
{
    const pid_t dies = ::fork();
    if (dies == 0) {
        (void)run_here(run(what));
        ::_exit(0);
    }
    begun();
    ::kill(dies, SIGKILL);
    ::waitpid(dies, nullptr, 0);
}

TEST_F(RunningChildren, WhatADeadProcessLeftIsEnded)
{
    leave(slow("trap '' TERM"), [this] { expect_begun(); });
    EXPECT_GE(test::running_with(mark), 1u) << "the test shows nothing";
    EXPECT_GE(end_commands_of_the_dead(100ms).value(), 1u);
    EXPECT_EQ(test::running_with(mark), 0u);
}

TEST_F(RunningChildren, WhatLivesAndWhatMadeItselfAServiceIsNot)
{
    asio::io_context io(1);
    auto beside = [&]() -> awaitable<std::size_t> {
        const auto ended = end_commands_of_the_dead(0ms).value();
        co_return ended;
    };
    const auto service = repo.root() / "service";
    leave(slow("setsid sh -c 'echo $$ > " + service.string() + "; exec sleep 1000 # " + mark + "' &"), [&] {
        EXPECT_TRUE(test::soon([&] { return !test::contents_of(service).empty(); }));
        expect_begun();
    });
    (void)run_here(io, beside());
    const auto pid = static_cast<pid_t>(std::stol(test::contents_of(service)));
    EXPECT_TRUE(test::is_running(pid));
    ::kill(pid, SIGKILL);
}

/// Where no process can have a clock of its own, nothing is to be shown.
bool looked_by_another_clock()
{
    const pid_t starts = ::fork();
    if (starts == 0) {
        const bool made = ::unshare(CLONE_NEWTIME) == 0;
        if (made) test::write_file("/proc/self/timens_offsets", "boottime 1000 0\n");
        const pid_t looks = made ? ::fork() : -1; // its clock is that of the children
        if (looks == 0) ::_exit(end_commands_of_the_dead(0ms) ? 0 : 1);
        int status = 1;
        if (looks > 0) ::waitpid(looks, &status, 0);
        ::_exit(status == 0 ? 0 : 1);
    }
    int status = 1;
    ::waitpid(starts, &status, 0);
    return status == 0;
}

TEST_F(RunningChildren, WhatLivesByAnotherClockIsNotTakenForDead)
{
    asio::io_context io(1);
    launch marked = launch_of(slow(""));
    marked.environment = marked_environment(slow(""));
    auto one = child::start(io.get_executor(), marked).value();
    expect_begun();
    const bool looked = looked_by_another_clock();
    EXPECT_GE(test::running_with(mark), 1u);
    run_here(io, one->stop(10s));
    if (!looked) GTEST_SKIP() << "no clocks of their own here";
}

TEST_F(RunningChildren, WhatWasStartedInAFolderIsEndedThere)
{
    const auto folder = repo.root() / "a work tree\nof two lines";
    std::filesystem::create_directories(folder / "below");
    asio::io_context io(1);
    auto one = [&]() -> awaitable<exit_status> {
        co_return (co_await shielded_run(slow("cd /").in(folder / "below"))).status;
    };
    auto other = [&]() -> awaitable<std::size_t> {
        co_await offload([&] { expect_begun(); });
        EXPECT_EQ((co_await offload([&] { return end_commands_in(folder / "elsewhere", 0ms); })).value(), 0u);
        co_return (co_await offload([&] { return end_commands_in(folder, 10s); })).value();
    };
    auto both = [&]() -> awaitable<void> {
        std::vector<awaitable<void>> all;
        all.push_back([](auto& one) -> awaitable<void> {
            EXPECT_EQ(co_await one(), exit_status(signaled{SIGTERM, false}));
        }(one));
        all.push_back([](auto& other) -> awaitable<void> { EXPECT_GE(co_await other(), 1u); }(other));
        for (auto& outcome : co_await parallel::all(std::move(all)))
            outcome.value();
    };
    run_here(io, both());
}

} // namespace
} // namespace graftline
