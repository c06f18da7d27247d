#include "tests/cli/program.hpp"
#include "tests/support/hang_guard.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

namespace graftline::test {
namespace {

bool is_process(int pid)
{
    return ::kill(pid, 0) == 0;
}

/// Runs the executable, waits for `ready`, sends the signals and gives its exit status.
int interrupt(desk& d, std::vector<std::string> words, const std::function<bool()>& ready,
              std::vector<int> signals)
{
    asio::io_context io(1);
    const auto prepared = d.prepared(d.repository.top(), std::move(words));
    const auto log = d.repository.root() / "err.log";
    const int err = ::open(log.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    launch how;
    how.words = prepared.words();
    how.environment = prepared.environment();
    how.folder = prepared.folder();
    how.err = err;
    auto started = child::start(io.get_executor(), how);
    ::close(err);
    EXPECT_TRUE(started.has_value());
    EXPECT_TRUE(eventually(ready)) << read_file(log);
    for (const int signal : signals) {
        (*started)->signal(signal);
        ::usleep(300'000);
    }
    return shell_code(run_here(io, (*started)->wait()));
}

TEST(interruption, ends_agents_and_leaves_everything_resumable)
{
    desk d;
    const auto pid_file = d.repository.root() / "pid";
    const auto agent =
        d.script("agent", "echo half > half.txt\necho $$ > '" + pid_file.string() + ".new'; mv '" +
                              pid_file.string() + ".new' '" + pid_file.string() + "'\nexec sleep 600\n");
    const int status = interrupt(d, {"run", "Slow", "--land", "--", agent},
                                 [&] { return std::filesystem::exists(pid_file); }, {SIGINT});
    EXPECT_EQ(status, 130);
    EXPECT_FALSE(is_process(std::stoi(read_file(pid_file))));
    const auto task = d.graftline({"status", "--json"}).json().at("tasks").at(0);
    EXPECT_EQ(task.at("state"), "pending");
    EXPECT_THAT(std::string(task.at("reason").as_string()), testing::HasSubstr("interrupted"));
    EXPECT_EQ(read_file(std::filesystem::path(std::string(task.at("worktree").as_string())) / "half.txt"),
              "half\n");
    const auto rescues = task.at("rescues").as_array();
    ASSERT_EQ(rescues.size(), 1u) << "nothing of it is only in the worktree";
    EXPECT_EQ(d.repository.git("show", std::string(rescues.at(0).as_string()) + ":half.txt"), "half");

    d.script("agent", "test -e half.txt && echo done > done.txt\n");
    const auto retried = d.graftline({"retry", std::string(task.at("id").as_string()), "--json"});
    EXPECT_EQ(retried.status, 0) << retried.err;
    EXPECT_EQ(retried.json().at("merged"), 1);
}

/// An agent that tidies up when it is asked to end, one that waits, and how the run ends by `interrupted`.
void expect_an_orderly_stop(
    const std::function<int(desk&, std::vector<std::string>, const std::function<bool()>&)>& interrupted)
{
    desk d;
    const auto begun = d.repository.root() / "begun";
    const auto agent =
        d.script("agent", "trap 'echo tidied > tidied.txt; exit 9' TERM\necho half > half.txt\necho $$ >> '" +
                              begun.string() + "'\nwhile :; do sleep 0.05; done\n");
    EXPECT_EQ(interrupted(d, {"run", "Slow", "Later", "--max", "1", "--land", "--", agent},
                          [&] { return std::filesystem::exists(begun); }),
              130);
    const auto pid = read_file(begun);
    EXPECT_EQ(std::ranges::count(pid, '\n'), 1) << "another began";
    EXPECT_FALSE(is_process(std::stoi(pid)));
    const auto tasks = d.graftline({"status", "--json"}).json().at("tasks").as_array();
    ASSERT_EQ(tasks.size(), 2u);
    for (const auto& t : tasks)
        EXPECT_EQ(t.at("state"), "pending") << t;
    const auto& rescues = tasks.at(0).at("rescues").as_array();
    ASSERT_EQ(rescues.size(), 1u);
    const std::string saved(rescues.at(0).as_string());
    EXPECT_EQ(d.repository.git("show", saved + ":half.txt"), "half");
    EXPECT_EQ(d.repository.git("show", saved + ":tidied.txt"), "tidied") << "it was asked to end";

    d.script("agent", "echo done > $GRAFTLINE_TASK_ID.txt\n");
    const auto resumed = d.graftline({"resume", "--json"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_EQ(resumed.json().at("merged"), 2);
}

TEST(interruption, by_term_is_as_by_the_keyboard)
{
    expect_an_orderly_stop([](desk& d, std::vector<std::string> words, const std::function<bool()>& ready) {
        return interrupt(d, std::move(words), ready, {SIGTERM});
    });
}

TEST(interruption, by_a_hangup_is_as_by_the_keyboard)
{
    expect_an_orderly_stop([](desk& d, std::vector<std::string> words, const std::function<bool()>& ready) {
        return interrupt(d, std::move(words), ready, {SIGHUP});
    });
}

/// Runs the executable on a terminal of its own and closes that when it is ready.
int close_its_terminal(desk& d, std::vector<std::string> words, const std::function<bool()>& ready)
{
    const auto prepared = d.prepared(d.repository.top(), std::move(words));
    const auto all = prepared.words();
    const auto environment = prepared.environment();
    std::vector<char*> argv, envp;
    for (const auto& word : all)
        argv.push_back(const_cast<char*>(word.c_str()));
    for (const auto& entry : environment)
        envp.push_back(const_cast<char*>(entry.c_str()));
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    int terminal = -1;
    const pid_t pid = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    if (pid == 0) {
        if (::chdir(prepared.folder().c_str()) == 0) ::execve(argv.front(), argv.data(), envp.data());
        ::_exit(127);
    }
    ::fcntl(terminal, F_SETFL, O_NONBLOCK);
    EXPECT_TRUE(eventually([&] {
        char shown[4096];
        while (::read(terminal, shown, sizeof shown) > 0) {
        }
        return ready();
    }));
    ::close(terminal);
    int raw = 0;
    EXPECT_EQ(::waitpid(pid, &raw, 0), pid);
    return WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
}

TEST(interruption, by_a_closed_terminal_is_as_by_the_keyboard)
{
    expect_an_orderly_stop(close_its_terminal);
}

TEST(interruption, the_second_signal_kills_at_once)
{
    desk d;
    const auto pid_file = d.repository.root() / "pid";
    const auto agent = d.script("agent", "trap '' TERM INT\necho $$ > '" + pid_file.string() + ".new'; mv '" +
                                             pid_file.string() + ".new' '" + pid_file.string() +
                                             "'\nwhile :; do sleep 1; done\n");
    const auto before = std::chrono::steady_clock::now();
    const int status = interrupt(d, {"run", "Stubborn", "--grace", "10m", "--", agent},
                                 [&] { return std::filesystem::exists(pid_file); }, {SIGTERM, SIGINT});
    EXPECT_EQ(status, 130);
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(30));
    const int pid = std::stoi(read_file(pid_file));
    EXPECT_TRUE(eventually([&] { return !is_process(pid); }));
}

} // namespace
} // namespace graftline::test
