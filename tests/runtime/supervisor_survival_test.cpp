#include "graftline/runtime/async/deadline.hpp"
#include "graftline/runtime/process/process_tree.hpp"

#include <boost/asio/steady_timer.hpp>

#include "tests/runtime/supervisor_fixture.hpp"
#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/hang_guard.hpp"
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <sstream>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::refusal;
using test::run_here;
using test::run_to_end;
using test::soon;
using test::start_and;
using test::tree;

const auto& program = test::supervisor_program;

class supervisor_survival : public test::supervisor_test {};

TEST_F(supervisor_survival, that_is_killed_takes_its_agent_along)
{
    auto spec = shell(std::string(tree) + "while :; do sleep 1; done");
    const auto end = run_here(start_and(spec, [&](supervised& agent) {
        ASSERT_TRUE(printed("grown"));
        ::kill(agent.identity().pid, SIGKILL);
    }));
    EXPECT_EQ(end.how, ending::lost);
    EXPECT_TRUE(all_gone());
    const auto group = read_identity(folder()).value()->cgroup;
    EXPECT_TRUE(group.empty() || !std::filesystem::exists(group));
}

awaitable<exit_record> adopt_and(std::filesystem::path folder, std::function<void(supervised&)> then)
{
    auto found = (co_await supervised::adopt(folder)).value();
    if (!found) throw std::runtime_error("nothing there to adopt");
    then(*found);
    co_return co_await found->wait();
}

awaitable<bool> is_there(std::filesystem::path folder)
{
    co_return (co_await supervised::adopt(folder)).value().has_value();
}

// An orchestrator of its own process: starts the agent and is killed.
void start_and_die(const attempt_spec& spec)
{
    const pid_t orchestrator = ::fork();
    if (orchestrator == 0) {
        asio::io_context io(1);
        const auto why = run_here(io, refusal(program, spec));
        ::kill(::getpid(), why.what().empty() ? SIGKILL : SIGTERM);
    }
    int raw = 0;
    ASSERT_EQ(::waitpid(orchestrator, &raw, 0), orchestrator);
    ASSERT_TRUE(WIFSIGNALED(raw) && WTERMSIG(raw) == SIGKILL);
}

TEST_F(supervisor_survival, is_adopted_after_its_orchestrator_died)
{
    start_and_die(shell("echo begun; while ! [ -e $MARK/go ]; do sleep 0.05; done; echo done; exit 4"));
    const auto end = run_here(adopt_and(folder(), [&](supervised& agent) {
        EXPECT_TRUE(is_alive(agent.identity()));
        (void)::close(::creat((mark() + "/go").c_str(), 0600));
    }));
    EXPECT_EQ(end.how, ending::exited);
    EXPECT_EQ(end.code, 4);
    EXPECT_EQ(logged(), "begun\ndone\n");
    EXPECT_FALSE(run_here(is_there(folder())));
}

TEST_F(supervisor_survival, that_is_adopted_can_be_cancelled)
{
    start_and_die(shell("echo begun; setsid sleep 1000 & sleep 1000"));
    const auto end = run_here(adopt_and(folder(), [&](supervised& agent) {
        ASSERT_TRUE(printed("begun"));
        agent.cancel();
    }));
    EXPECT_EQ(end.how, ending::cancelled);
    EXPECT_TRUE(all_gone());
}

TEST_F(supervisor_survival, is_stopped_from_another_process)
{
    EXPECT_TRUE(stop_attempt(folder())); // nothing there
    start_and_die(shell("sleep 1000"));
    EXPECT_TRUE(stop_attempt(folder()));
    EXPECT_TRUE(all_gone());
    EXPECT_EQ(read_exit_record(folder()).value()->how, ending::cancelled);
    EXPECT_TRUE(stop_attempt(folder()));
}

TEST_F(supervisor_survival, whose_end_nobody_saw_is_not_adopted_and_leaves_nothing)
{
    start_and_die(shell(std::string(tree) + "while :; do sleep 1; done"));
    ASSERT_TRUE(printed("grown"));
    const auto identity = *read_identity(folder()).value();
    ::kill(identity.pid, SIGKILL);
    ASSERT_TRUE(soon([&] { return !is_alive(identity); }));
    EXPECT_FALSE(run_here(is_there(folder())));
    EXPECT_TRUE(all_gone());
    EXPECT_FALSE(read_exit_record(folder()).value());
}

TEST_F(supervisor_survival, that_is_killed_takes_its_agent_along_though_nobody_looks)
{
    start_and_die(shell("echo $$; exec sleep 1000"));
    ASSERT_TRUE(printed("\n"));
    const auto agent = static_cast<pid_t>(std::stoi(logged()));
    ASSERT_TRUE(test::is_running(agent));
    ::kill(read_identity(folder()).value()->pid, SIGKILL);
    EXPECT_TRUE(soon([&] { return !test::is_running(agent); }));
}

TEST_F(supervisor_survival, is_not_taken_for_another_process_with_its_pid)
{
    process_identity self;
    self.pid = ::getpid();
    self.start_time = facts_of(self.pid)->start_time;
    self.boot_id = boot_id();
    self.pid_namespace = pid_namespace();
    ASSERT_TRUE(is_alive(self));
    for (const int part : {0, 1, 2}) {
        auto other = self;
        if (part == 0) ++other.start_time;
        if (part == 1) other.boot_id = "another";
        if (part == 2) other.pid_namespace = "another";
        EXPECT_FALSE(is_alive(other)) << part;
    }
    EXPECT_FALSE(run_here(is_there(folder())));
}

awaitable<bool> give_up_waiting(attempt_spec spec)
{
    auto agent = (co_await supervised::start(program, std::move(spec))).value();
    const auto end = co_await within(100ms, agent.wait());
    co_return !end && is_alive(agent.identity());
}

TEST_F(supervisor_survival, leaves_the_agent_running_when_a_wait_is_cancelled)
{
    EXPECT_TRUE(run_here(give_up_waiting(shell("sleep 1000"))));
    const auto end = run_here(adopt_and(folder(), [](supervised& agent) { agent.kill(); }));
    EXPECT_EQ(end.how, ending::cancelled);
}

class started_and_waited_for : public test::scenario {
public:
    awaitable<void> body() override
    {
        attempt_spec spec(here_.path() / "attempt", {"sh", "-c", "echo begun"});
        spec.environment = current_environment();
        auto agent = co_await supervised::start(program, std::move(spec));
        if (!agent) throw fault_error(agent.error());
        started_ = true;
        (void)co_await agent->wait();
    }
    void check() override
    {
        if (started_) return; // then it is left running
        // Cancelled before the answer: nothing lives there, and nothing was left without an end.
        EXPECT_FALSE(run_here(is_there(here_.path() / "attempt")));
    }

private:
    test::temporary_folder here_;
    bool started_ = false;
};

TEST_F(supervisor_survival, is_ended_when_its_start_is_cancelled_at_any_step)
{
    const auto before = test::open_descriptors();
    test::cancel_at_every_step([](asio::io_context&) { return std::make_unique<started_and_waited_for>(); });
    EXPECT_EQ(test::open_descriptors(), before);
    EXPECT_TRUE(soon([] {
        while (::waitpid(-1, nullptr, WNOHANG) > 0) {
        }
        return test::has_no_children();
    }));
}

// What a resume does with an attempt of which it knows nothing.
awaitable<std::optional<supervised>> adopt_or_start(attempt_spec spec)
{
    for (;;) {
        auto found = (co_await supervised::adopt(spec.folder)).value();
        if (found || read_exit_record(spec.folder).value()) co_return found;
        auto started = co_await supervised::start(program, spec);
        if (started) co_return std::optional<supervised>(std::move(*started));
        const bool lost_the_race = started.error().is(errc::busy) || started.error().is(errc::exists);
        if (!lost_the_race) throw fault_error(started.error());
    }
}

awaitable<int> code_after_resume(attempt_spec spec)
{
    auto agent = co_await adopt_or_start(spec);
    co_return agent ? (co_await agent->wait()).code : read_exit_record(spec.folder).value()->code;
}

TEST_F(supervisor_survival, starts_once_whenever_its_orchestrator_is_killed)
{
    for (int round = 0; round < 60; ++round) {
        auto spec = shell("echo begun; sleep 0.01; exit 4");
        spec.folder = mark() + "/" + std::to_string(round);
        const pid_t orchestrator = ::fork();
        if (orchestrator == 0) {
            asio::io_context io(1);
            run_here(io, run_to_end(spec));
            ::_exit(0);
        }
        ::usleep(static_cast<useconds_t>(round * 500));
        ::kill(orchestrator, SIGKILL);
        ::waitpid(orchestrator, nullptr, 0);
        ASSERT_EQ(run_here(code_after_resume(spec)), 4) << round;
        ASSERT_EQ(test::contents_of(spec.folder / "stdout.log"), "begun\n") << round;
    }
}

awaitable<ending> end_of(attempt_spec spec)
{
    auto agent = co_await supervised::start(program, std::move(spec));
    co_return agent ? (co_await agent->wait()).how : ending::could_not_start;
}

awaitable<void> kill_children_after(std::chrono::microseconds span)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, span);
    co_await timer.async_wait(use_awaitable);
    const auto self = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
    std::istringstream children(test::contents_of(self));
    for (pid_t pid = 0; children >> pid;)
        ::kill(pid, SIGKILL);
}

TEST_F(supervisor_survival, leaves_nothing_whenever_it_is_killed)
{
    for (int round = 0; round < 40; ++round) {
        auto spec = shell("setsid sleep 1000 & sleep 1000");
        spec.folder = mark() + "/" + std::to_string(round);
        asio::io_context io(1);
        asio::co_spawn(io, kill_children_after(std::chrono::microseconds(round * 700)),
                       [](std::exception_ptr) {});
        const auto how = run_here(io, end_of(spec));
        ASSERT_TRUE(how == ending::lost || how == ending::could_not_start) << to_string(how);
        ASSERT_TRUE(all_gone()) << round;
    }
}

} // namespace
} // namespace graftline
