#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/process/child.hpp"

#include <boost/asio/this_coro.hpp>

#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::run_here;

launch shell(const std::string& script)
{
    launch how;
    how.words = {"sh", "-c", script};
    how.environment = current_environment();
    return how;
}

awaitable<exit_status> status_of(std::string script)
{
    auto started = child::start(co_await asio::this_coro::executor, shell(script));
    if (!started) throw fault_error(started.error());
    co_return co_await (*started)->wait();
}

TEST(child, tells_exits_and_signals_apart)
{
    EXPECT_EQ(run_here(status_of("exit 0")), exit_status(exited{0}));
    EXPECT_EQ(run_here(status_of("exit 9")), exit_status(exited{9}));
    const auto killed = run_here(status_of("kill -KILL $$"));
    EXPECT_EQ(killed, exit_status(signaled{SIGKILL, false}));
    EXPECT_EQ(to_string(killed), "killed by SIGKILL");
    EXPECT_EQ(shell_code(killed), 137);
    EXPECT_TRUE(test::has_no_children());
}

TEST(child, names_a_program_that_cannot_be_started)
{
    asio::io_context io(1);
    launch how;
    how.words = {"no-such-program-of-ours"};
    auto started = child::start(io.get_executor(), how);
    ASSERT_FALSE(started);
    EXPECT_TRUE(started.error().is(errc::could_not_start));
    EXPECT_NE(started.error().message().find("no-such-program-of-ours"), std::string::npos);

    how.words = {"true"};
    how.folder = "/no/such/folder";
    started = child::start(io.get_executor(), how);
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().message().find("/no/such/folder"), std::string::npos);

    const test::temporary_folder here;
    test::write_file(here.path() / "plain", "no program");
    how.words = {(here.path() / "plain").string()};
    how.folder.clear();
    started = child::start(io.get_executor(), how);
    ASSERT_FALSE(started);
    EXPECT_NE(started.error().message().find("Permission denied"), std::string::npos)
        << started.error().message();
    EXPECT_TRUE(test::has_no_children());
}

TEST(child, has_nothing_of_ours_but_its_three)
{
    const test::temporary_folder here;
    const auto seen = here.path() / "seen";
    ::signal(SIGUSR1, SIG_IGN); // the child must not inherit it
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
    const int leaky = ::fcntl(0, F_DUPFD, 100); // not close-on-exec
    run_here(status_of("{ ls /proc/self/fd | tr '\\n' ' '; grep -E 'SigBlk|SigIgn' /proc/self/status; } >" +
                       seen.string()));
    ::close(leaky);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::signal(SIGUSR1, SIG_DFL);
    const auto text = test::contents_of(seen);
    EXPECT_EQ(text.find("100"), std::string::npos) << text;
    EXPECT_NE(text.find("SigBlk:\t0000000000000000"), std::string::npos) << text;
    EXPECT_NE(text.find("SigIgn:\t0000000000000000"), std::string::npos) << text;
}

TEST(child, what_it_leaves_in_its_group_ends_with_it)
{
    const test::temporary_folder here;
    const auto mark = here.path().string();
    run_here(status_of("MARK=" + mark + " sleep 100 & exit 3"));
    EXPECT_TRUE(test::soon([&] { return test::running_with(mark) == 0; }));
}

TEST(child, a_handle_that_goes_takes_its_group_along)
{
    const test::temporary_folder here;
    const auto mark = here.path().string();
    asio::io_context io(1);
    {
        auto started = child::start(io.get_executor(), shell("MARK=" + mark + " sleep 100 & wait"));
        ASSERT_TRUE(started);
        ASSERT_TRUE(test::soon([&] { return test::running_with(mark) > 0; }));
    }
    EXPECT_TRUE(test::has_no_children());
    EXPECT_TRUE(test::soon([&] { return test::running_with(mark) == 0; }));
}

awaitable<exit_status> stop_a_stubborn_one(std::filesystem::path ready)
{
    auto started = child::start(co_await asio::this_coro::executor,
                                shell("trap '' TERM; : >" + ready.string() + "; while :; do sleep 1; done"));
    if (!started) throw fault_error(started.error());
    EXPECT_TRUE(test::soon([&] { return std::filesystem::exists(ready); }));
    co_return co_await (*started)->stop(100ms);
}

TEST(child, that_ignores_term_is_killed)
{
    const test::temporary_folder here;
    EXPECT_EQ(run_here(stop_a_stubborn_one(here.path() / "ready")), exit_status(signaled{SIGKILL, false}));
    EXPECT_TRUE(test::has_no_children());
}

// Its number is free once it is reaped, and soon another's.
TEST(child, an_innocent_one_with_its_pid_is_left_alone)
{
    asio::io_context io(1);
    auto handle = child::start(io.get_executor(), shell("exit 3")).value();
    pid_t wanted = handle->pid();
    EXPECT_EQ(run_here(io, handle->wait()), exit_status(exited{3}));
    clone_args how{};
    how.exit_signal = SIGCHLD;
    how.set_tid = reinterpret_cast<std::uint64_t>(&wanted);
    how.set_tid_size = 1;
    const auto innocent = static_cast<pid_t>(::syscall(SYS_clone3, &how, sizeof how));
    if (innocent == 0) {
        for (;;)
            ::pause();
    }
    if (innocent < 0) GTEST_SKIP() << "no pid can be chosen here";
    ::setpgid(innocent, innocent);
    handle->signal(SIGKILL);
    handle.reset();
    ::kill(innocent, SIGUSR1);
    int raw = 0;
    ASSERT_EQ(::waitpid(innocent, &raw, 0), innocent) << "it was reaped";
    EXPECT_TRUE(WIFSIGNALED(raw) && WTERMSIG(raw) == SIGUSR1) << raw;
}

awaitable<int> one_of_many(int number)
{
    const auto status = co_await status_of("exit " + std::to_string(number % 200));
    co_return std::get<exited>(status).code;
}

awaitable<std::size_t> count_right_ones(int children, std::size_t at_once)
{
    std::vector<int> numbers(static_cast<std::size_t>(children));
    for (int i = 0; i < children; ++i)
        numbers[static_cast<std::size_t>(i)] = i;
    auto all = co_await parallel::map(numbers, one_of_many, parallel::options().limit(at_once));
    std::size_t right = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
        right += all[i].value() == static_cast<int>(i) % 200;
    co_return right;
}

TEST(child, a_thousand_two_hundred_at_once_none_lost)
{
    const auto before = test::open_descriptors();
    EXPECT_EQ(run_here(count_right_ones(1000, 200)), 1000u);
    EXPECT_TRUE(test::has_no_children());
    EXPECT_EQ(test::open_descriptors(), before);
}

} // namespace
} // namespace graftline
