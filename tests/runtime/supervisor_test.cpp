#include "graftline/runtime/child.hpp"
#include "graftline/runtime/deadline.hpp"
#include "graftline/runtime/parallel.hpp"
#include "graftline/runtime/supervised.hpp"

#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

namespace graftline {
namespace {

using namespace std::chrono_literals;
using test::run_here;
using test::soon;

const std::vector<std::string> program{GRAFTLINE_PROGRAM, "supervise"};

class supervisor : public ::testing::Test {
protected:
    attempt_spec shell(const std::string& script) const
    {
        attempt_spec spec(folder(), {"sh", "-c", script});
        spec.environment = current_environment();
        spec.environment.push_back("MARK=" + mark());
        return spec;
    }
    std::filesystem::path folder() const { return here_.path() / "attempt"; }
    std::string mark() const { return here_.path().string(); }
    std::string logged(const char* name = "stdout.log") const { return test::contents_of(folder() / name); }
    // The supervisor's own environment has the mark too: all is over when nobody has it.
    bool all_gone() const
    {
        return soon([&] { return test::running_with(mark()) == 0; });
    }
    bool printed(const std::string& text) const
    {
        return soon([&] { return logged().find(text) != std::string::npos; });
    }

private:
    test::temporary_folder here_;
};

awaitable<exit_record> run_to_end(attempt_spec spec)
{
    auto started = co_await supervised::start(program, std::move(spec));
    if (!started) throw fault_error(started.error());
    co_return co_await started->wait();
}

TEST_F(supervisor, records_the_exit_and_the_logs)
{
    auto spec = shell("echo out; echo err >&2; pwd; cat; exit 7");
    spec.cwd = "/usr/lib";
    spec.standard_input = "/proc/sys/kernel/ostype";
    const auto end = run_here(run_to_end(spec));
    EXPECT_EQ(end.how, ending::exited);
    EXPECT_EQ(end.code, 7);
    EXPECT_EQ(end.words, "exit status 7");
    EXPECT_LE(end.started_at, end.ended_at);
    EXPECT_EQ(logged(), "out\n/usr/lib\nLinux\n");
    EXPECT_EQ(logged("stderr.log"), "err\n");
    struct stat facts{};
    for (const char* name : {"stdout.log", "stderr.log", "exit.json", "identity.json"}) {
        ASSERT_EQ(::stat((folder() / name).c_str(), &facts), 0) << name;
        EXPECT_EQ(facts.st_mode & 0777, 0600u) << name;
    }
    ASSERT_EQ(::stat(folder().c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0700u);
    EXPECT_TRUE(test::has_no_children());
}

TEST_F(supervisor, tells_a_signal_from_an_exit)
{
    const auto end = run_here(run_to_end(shell("kill -SEGV $$")));
    EXPECT_EQ(end.how, ending::signaled);
    EXPECT_EQ(end.signo, SIGSEGV);
}

TEST_F(supervisor, names_a_program_that_could_not_be_started)
{
    auto spec = shell("");
    spec.words = {"no-such-agent", "--secret"};
    const auto end = run_here(run_to_end(spec));
    EXPECT_EQ(end.how, ending::could_not_start);
    EXPECT_NE(end.words.find("no-such-agent"), std::string::npos) << end.words;
    EXPECT_EQ(end.words.find("secret"), std::string::npos);
}

TEST_F(supervisor, names_a_folder_that_is_not_there)
{
    auto spec = shell("");
    spec.cwd = "/no/such/folder";
    const auto end = run_here(run_to_end(spec));
    EXPECT_EQ(end.how, ending::could_not_start);
    EXPECT_NE(end.words.find("/no/such/folder"), std::string::npos) << end.words;
}

// Why it was not started; a fault without a word when it was.
awaitable<fault> refusal(std::vector<std::string> supervisor_command, attempt_spec spec)
{
    auto started = co_await supervised::start(std::move(supervisor_command), std::move(spec));
    co_return started ? fault() : started.error();
}

// A tree with everything that hides: another group, another session, a daemon, one that ignores TERM.
const char* const tree = "trap '' TERM\n"
                         "sh -c 'trap \"\" TERM; while :; do sleep 1; done' &\n"
                         "setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &\n"
                         "(setsid sh -c '(sleep 1000 &) ; exec sleep 1000' >/dev/null 2>&1 &)\n"
                         "setsid sleep 1000 &\n"
                         "echo grown\n";

TEST_F(supervisor, ends_the_whole_tree_at_the_deadline)
{
    auto spec = shell(std::string(tree) + "while :; do sleep 1; done");
    spec.timeout = 500ms;
    spec.grace = 300ms;
    const auto end = run_here(run_to_end(spec));
    EXPECT_EQ(end.how, ending::timed_out);
    EXPECT_EQ(end.signo, SIGKILL);
    EXPECT_NE(end.words.find("timed out after 0.5 s"), std::string::npos) << end.words;
    EXPECT_EQ(logged(), "grown\n");
    EXPECT_TRUE(all_gone());
}

TEST_F(supervisor, ends_what_an_agent_that_succeeds_leaves_behind)
{
    auto spec = shell(std::string(tree) + "exit 0");
    const auto end = run_here(run_to_end(spec));
    EXPECT_EQ(end.how, ending::exited);
    EXPECT_EQ(end.code, 0);
    EXPECT_TRUE(all_gone());
}

awaitable<exit_record> start_and(attempt_spec spec, std::function<void(supervised&)> then)
{
    auto started = co_await supervised::start(program, std::move(spec));
    if (!started) throw fault_error(started.error());
    then(*started);
    co_return co_await started->wait();
}

TEST_F(supervisor, cancels_gracefully)
{
    const auto spec =
        shell("trap 'echo tidied; exit 5' TERM; setsid sleep 1000 & echo ready; while :; do sleep 0.1; done");
    const auto end = run_here(start_and(spec, [&](supervised& agent) {
        ASSERT_TRUE(printed("ready"));
        EXPECT_TRUE(is_alive(agent.identity()));
        agent.cancel();
    }));
    EXPECT_EQ(end.how, ending::cancelled);
    EXPECT_EQ(end.code, 5);
    EXPECT_TRUE(printed("tidied"));
    EXPECT_TRUE(all_gone());
}

TEST_F(supervisor, cancels_at_once_after_the_start)
{
    const auto end = run_here(start_and(shell("sleep 1000"), [](supervised& agent) { agent.cancel(); }));
    EXPECT_EQ(end.how, ending::cancelled);
    EXPECT_TRUE(all_gone());
}

TEST_F(supervisor, kills_at_once)
{
    auto spec = shell(std::string(tree) + "while :; do sleep 1; done");
    const auto begin = std::chrono::steady_clock::now();
    const auto end = run_here(start_and(spec, [&](supervised& agent) {
        ASSERT_TRUE(printed("grown"));
        agent.kill();
    }));
    EXPECT_EQ(end.how, ending::cancelled);
    EXPECT_EQ(end.signo, SIGKILL);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 8s);
    EXPECT_TRUE(all_gone());
}

TEST_F(supervisor, ends_one_that_forks_faster_than_we_look)
{
    auto spec =
        shell("fork() { (fork) & (fork) & }; i=0; while [ $i -lt 300 ]; do (setsid sh -c 'sleep 1000') & "
              "i=$((i+1)); done; echo grown; while :; do setsid sleep 1000 & done");
    const auto end = run_here(start_and(spec, [&](supervised& agent) {
        ASSERT_TRUE(printed("grown"));
        agent.kill();
    }));
    EXPECT_EQ(end.how, ending::cancelled);
    EXPECT_TRUE(all_gone());
}

TEST_F(supervisor, ends_what_is_stopped)
{
    auto spec = shell("echo ready; kill -STOP $$");
    const auto end = run_here(start_and(spec, [&](supervised& agent) {
        ASSERT_TRUE(printed("ready"));
        agent.cancel();
    }));
    EXPECT_EQ(end.how, ending::cancelled);
    EXPECT_EQ(end.signo, SIGTERM);
}

TEST_F(supervisor, ends_a_flood_at_the_log_limit)
{
    auto spec = shell("trap '' TERM; yes graftline");
    spec.log_limit = 1'000'000;
    const auto end = run_here(run_to_end(spec));
    EXPECT_EQ(end.how, ending::log_limit);
    EXPECT_NE(end.words.find("1000000 bytes"), std::string::npos) << end.words;
    EXPECT_TRUE(all_gone());
}

TEST_F(supervisor, keeps_any_bytes_in_the_log)
{
    const auto end = run_here(run_to_end(shell("printf 'a\\0b\\377\\376half'")));
    EXPECT_EQ(end.how, ending::exited);
    EXPECT_EQ(logged(), std::string("a\0b\xff\xfehalf", 9));
}

TEST_F(supervisor, passes_any_bytes_in_words)
{
    auto spec = shell("printf '%s|' \"$@\"");
    spec.words.insert(spec.words.end(), {"name", "bad \xff\xfe bytes", "new\nline", "\"quoted\"", ""});
    run_here(run_to_end(spec));
    EXPECT_EQ(logged(), "bad \xff\xfe bytes|new\nline|\"quoted\"||");
}

TEST_F(supervisor, refuses_an_attempt_that_was_made)
{
    EXPECT_EQ(run_here(run_to_end(shell("exit 0"))).how, ending::exited);
    const auto again = run_here(refusal(program, shell("echo twice")));
    EXPECT_TRUE(again.is(errc::exists)) << again.message();
    EXPECT_EQ(logged(), "");
}

awaitable<errc> start_a_second(attempt_spec spec)
{
    auto first = co_await supervised::start(program, spec);
    auto second = co_await supervised::start(program, spec);
    first.value().kill();
    co_await first.value().wait();
    co_return second ? errc::internal : static_cast<errc>(second.error().code().value());
}

TEST_F(supervisor, refuses_an_attempt_that_runs)
{
    EXPECT_EQ(run_here(start_a_second(shell("sleep 1000"))), errc::busy);
}

TEST_F(supervisor, says_what_is_wrong_with_the_folder)
{
    auto spec = shell("true");
    spec.folder = "/proc/no/such";
    const auto why = run_here(refusal(program, spec));
    EXPECT_NE(why.message().find("/proc/no"), std::string::npos) << why.message();
    EXPECT_TRUE(run_here(refusal({"true"}, shell("true"))).is(errc::could_not_start));
}

TEST_F(supervisor, that_is_killed_takes_its_agent_along)
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

TEST_F(supervisor, is_adopted_after_its_orchestrator_died)
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

TEST_F(supervisor, that_is_adopted_can_be_cancelled)
{
    start_and_die(shell("echo begun; setsid sleep 1000 & sleep 1000"));
    const auto end = run_here(adopt_and(folder(), [&](supervised& agent) {
        ASSERT_TRUE(printed("begun"));
        agent.cancel();
    }));
    EXPECT_EQ(end.how, ending::cancelled);
    EXPECT_TRUE(all_gone());
}

TEST_F(supervisor, is_stopped_from_another_process)
{
    EXPECT_TRUE(stop_attempt(folder())); // nothing there
    start_and_die(shell("sleep 1000"));
    EXPECT_TRUE(stop_attempt(folder()));
    EXPECT_TRUE(all_gone());
    EXPECT_EQ(read_exit_record(folder()).value()->how, ending::cancelled);
    EXPECT_TRUE(stop_attempt(folder()));
}

TEST_F(supervisor, whose_end_nobody_saw_is_not_adopted_and_leaves_nothing)
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

TEST_F(supervisor, is_not_taken_for_another_process_with_its_pid)
{
    process_identity other;
    other.pid = ::getpid();
    other.start_time = 1;
    EXPECT_FALSE(is_alive(other));
    EXPECT_FALSE(run_here(is_there(folder())));
}

awaitable<bool> give_up_waiting(attempt_spec spec)
{
    auto agent = (co_await supervised::start(program, std::move(spec))).value();
    const auto end = co_await within(100ms, agent.wait());
    co_return !end && is_alive(agent.identity());
}

TEST_F(supervisor, leaves_the_agent_running_when_a_wait_is_cancelled)
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

TEST_F(supervisor, is_ended_when_its_start_is_cancelled_at_any_step)
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

awaitable<int> code_of_one(std::pair<std::filesystem::path, int> which)
{
    attempt_spec spec(which.first, {"sh", "-c", "exit " + std::to_string(which.second)});
    spec.environment = current_environment();
    const auto end = co_await run_to_end(std::move(spec));
    co_return end.how == ending::exited ? end.code : -1;
}

awaitable<int> run_many(std::filesystem::path in, int number)
{
    std::vector<std::pair<std::filesystem::path, int>> all;
    for (int i = 0; i < number; ++i)
        all.emplace_back(in / std::to_string(i), i);
    auto codes = co_await parallel::map(all, code_of_one, parallel::options().limit(20));
    int right = 0;
    for (int i = 0; i < number; ++i)
        right += codes[static_cast<std::size_t>(i)].value() == i;
    co_return right;
}

TEST_F(supervisor, a_hundred_twenty_at_once)
{
    const auto before = test::open_descriptors();
    EXPECT_EQ(run_here(run_many(mark(), 100)), 100);
    EXPECT_TRUE(test::has_no_children());
    EXPECT_EQ(test::open_descriptors(), before);
}

TEST_F(supervisor, SoakOfAGigabyteInTheLog)
{
    auto spec = shell("yes graftline | head -c 2000000000");
    const auto end = run_here(run_to_end(spec));
    EXPECT_EQ(end.how, ending::log_limit);
    EXPECT_TRUE(all_gone());
}

} // namespace
} // namespace graftline
