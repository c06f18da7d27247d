#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/supervisor/attempt_files.hpp"

#include <boost/asio/steady_timer.hpp>

#include "tests/runtime/supervisor_fixture.hpp"
#include "tests/support/hang_guard.hpp"
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

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

class supervisor : public test::supervisor_test {};

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

TEST_F(supervisor, has_a_session_of_its_own_and_is_the_one_that_reaps)
{
    run_here(start_and(shell("sleep 1000"), [](supervised& agent) {
        EXPECT_EQ(::getsid(agent.identity().pid), agent.identity().pid);
        agent.kill();
    }));
    int ours = -1;
    ASSERT_EQ(::prctl(PR_GET_CHILD_SUBREAPER, &ours), 0);
    EXPECT_EQ(ours, 0) << "a host's process is left as it is";
}

/// A record is there as a whole or not at all, and there is room for it whatever becomes of the disk.
TEST_F(supervisor, gives_the_record_of_the_end_its_name_once_it_is_whole)
{
    const auto inode_of = [](const std::filesystem::path& file) {
        struct stat facts{};
        return ::stat(file.c_str(), &facts) == 0 ? facts.st_ino : 0;
    };
    const auto draft = folder() / attempt::exit_draft_name;
    ino_t reserved = 0;
    run_here(start_and(shell("sleep 1000"), [&](supervised& agent) {
        reserved = inode_of(draft);
        EXPECT_GT(std::filesystem::file_size(draft), 1000u);
        EXPECT_EQ(inode_of(folder() / attempt::exit_name), 0u);
        agent.kill();
    }));
    EXPECT_NE(reserved, 0u);
    EXPECT_EQ(inode_of(folder() / attempt::exit_name), reserved);
    EXPECT_EQ(inode_of(draft), 0u);
}

/// A host may reap every child, by not wanting to hear of them or by waiting for any.
TEST_F(supervisor, is_heard_though_the_host_takes_its_exit_status)
{
    ::signal(SIGCHLD, SIG_IGN);
    const auto end = run_here(run_to_end(shell("exit 7")));
    ::signal(SIGCHLD, SIG_DFL);
    EXPECT_EQ(end.how, ending::exited);
    EXPECT_EQ(end.code, 7);

    auto other = shell("while ! [ -e $MARK/go ]; do sleep 0.05; done; exit 8");
    other.folder = mark() + "/other";
    const auto second = run_here(start_and(other, [&](supervised& agent) {
        test::write_file(mark() + "/go", "");
        ASSERT_EQ(::waitpid(agent.identity().pid, nullptr, 0), agent.identity().pid);
    }));
    EXPECT_EQ(second.how, ending::exited);
    EXPECT_EQ(second.code, 8);
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

TEST_F(supervisor, ends_the_whole_tree_at_the_deadline)
{
    // Until it is long enough for the tree to grow.
    for (auto timeout = 500ms; logged() != "grown\n"; timeout *= 2) {
        ASSERT_LT(timeout, 60s);
        std::filesystem::remove_all(folder());
        auto spec = shell(std::string(tree) + "while :; do sleep 1; done");
        spec.timeout = timeout;
        spec.grace = 300ms;
        const auto end = run_here(run_to_end(spec));
        EXPECT_EQ(end.how, ending::timed_out);
        EXPECT_NE(end.words.find(timeout == 500ms ? "timed out after 0.5 s" : "timed out after"),
                  std::string::npos)
            << end.words;
        if (logged() == "grown\n") {
            EXPECT_EQ(end.signo, SIGKILL);
        }
        EXPECT_TRUE(all_gone());
    }
}

TEST_F(supervisor, ends_what_an_agent_that_succeeds_leaves_behind)
{
    auto spec = shell(std::string(tree) + "exit 0");
    const auto end = run_here(run_to_end(spec));
    EXPECT_EQ(end.how, ending::exited);
    EXPECT_EQ(end.code, 0);
    EXPECT_TRUE(all_gone());
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
    spec.grace = 1h; // nobody waits for that
    const auto end = run_here(start_and(spec, [&](supervised& agent) {
        ASSERT_TRUE(printed("grown"));
        agent.kill();
    }));
    EXPECT_EQ(end.how, ending::cancelled);
    EXPECT_EQ(end.signo, SIGKILL);
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

class fewer_descriptors {
public:
    /// At most `spare` more than there are.
    explicit fewer_descriptors(int spare)
    {
        const int lowest = ::dup(0);
        ::close(lowest);
        ::getrlimit(RLIMIT_NOFILE, &before_);
        auto less = before_;
        less.rlim_cur = static_cast<rlim_t>(lowest + spare);
        ::setrlimit(RLIMIT_NOFILE, &less);
    }
    ~fewer_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    fewer_descriptors(const fewer_descriptors&) = delete;
    fewer_descriptors& operator=(const fewer_descriptors&) = delete;

private:
    rlimit before_{};
};

/// True when there were enough.
awaitable<bool> start_with(int spare, attempt_spec spec)
{
    auto nothing = [] {};
    co_await offload(nothing);
    asio::steady_timer at_once(co_await asio::this_coro::executor, 0ms);
    co_await at_once.async_wait(use_awaitable); // what the loop and the pool need, they have by now
    std::optional<supervised> agent;
    try {
        const fewer_descriptors now(spare);
        auto started = co_await supervised::start(program, std::move(spec));
        if (started) agent.emplace(std::move(*started));
    } catch (const boost::system::system_error&) { // thrown, too, it must leave nothing
    }
    if (!agent) co_return false;
    agent->kill();
    co_await agent->wait();
    co_return true;
}

TEST_F(supervisor, leaves_nothing_running_whatever_step_lacks_a_descriptor)
{
    int spare = 0;
    for (bool started = false; !started; ++spare) {
        ASSERT_LT(spare, 50);
        auto spec = shell("exec sleep 1000");
        spec.folder += "-" + std::to_string(spare);
        started = run_here(start_with(spare, std::move(spec)));
        EXPECT_TRUE(all_gone()) << spare << " to spare";
        EXPECT_TRUE(test::has_no_children()) << spare << " to spare";
    }
    EXPECT_GT(spare, 3) << "no step lacked one";
}

TEST_F(supervisor, gives_an_agent_the_limit_of_open_files_that_it_is_told)
{
    auto spec = shell("ulimit -S -n");
    spec.open_files = 123;
    run_here(run_to_end(spec));
    EXPECT_EQ(logged(), "123\n");
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
