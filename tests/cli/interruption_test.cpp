#include "tests/cli/program.hpp"
#include "tests/support/hang_guard.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

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
