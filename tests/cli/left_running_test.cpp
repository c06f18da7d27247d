// Nothing that graftline has started runs on after it, and nothing is started beside what did.
#include "tests/cli/started_graftline.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;

class LeftRunning : public testing::Test {
protected:
    ~LeftRunning() override
    {
        EXPECT_TRUE(soon([this] { return running_with(mark) == 0; })) << "something runs on";
    }

    /// A script that says in `begun` that it runs, then goes on for long. Where it works does not tell whose
    /// it is.
    std::string slow(const std::string& name, const std::string& first = {})
    {
        return d.script(name, "export MARK='" + mark + "'\n" + first + "\ncd /; echo $$ >> '" +
                                  begun.string() + "'; sleep 1000\n");
    }
    void hook(const std::string& name, const std::string& script)
    {
        const auto file = d.repository.git_folder() / "hooks" / name;
        fs::create_directories(file.parent_path());
        fs::remove(file);
        fs::copy_file(script, file);
    }
    void no_hook(const std::string& name) { fs::remove(d.repository.git_folder() / "hooks" / name); }
    std::unique_ptr<started_graftline> start(std::vector<std::string> more = {})
    {
        std::vector<std::string> words{"run", "Work", "--land"};
        words.insert(words.end(), more.begin(), more.end());
        words.insert(words.end(), {"--", "sh", "-c", "echo work > work.txt"});
        auto run = std::make_unique<started_graftline>(d, words);
        EXPECT_TRUE(eventually([this] { return fs::exists(begun); })) << run->said();
        return run;
    }
    boost::json::value task() { return d.graftline({"status", "--all", "--json"}).json().at("tasks").at(0); }
    std::string id() { return std::string(task().at("id").as_string()); }
    std::size_t commits()
    {
        return std::stoul(d.repository.git("rev-list", "--count", "--no-merges", "main"));
    }

    void expect_landed_once()
    {
        EXPECT_EQ(task().at("state"), "merged") << task();
        EXPECT_EQ(commits(), 2u);
        EXPECT_EQ(d.repository.git("show", "main:work.txt"), "work");
        EXPECT_EQ(d.repository.git("status", "--porcelain"), "");
    }

    desk d;
    fs::path begun = d.repository.root() / "begun";
    std::string mark = "left-" + d.repository.root().filename().string();
};

TEST_F(LeftRunning, AHookOfACommitEndsWithTheFirstSignal)
{
    for (const int signal : {SIGINT, SIGTERM}) {
        hook("pre-commit", slow("hook"));
        EXPECT_EQ(start()->end_by(signal), 130);
        EXPECT_EQ(running_with(mark), 0u);
        EXPECT_EQ(task().at("state"), "pending") << task();
        no_hook("pre-commit");
        EXPECT_EQ(d.graftline({"resume"}).status, 0);
        expect_landed_once();
        d.repository.git("reset", "-q", "--hard", "HEAD~1");
        d.graftline({"clean"});
        fs::remove(begun);
        fs::remove_all(d.repository.git_folder() / "graftline");
    }
}

TEST_F(LeftRunning, TheSecondSignalKillsAHookThatIsDeafWithAllThatItStarted)
{
    hook("reference-transaction",
         slow("hook",
              "while read old new ref; do test \"$1 $ref\" = 'prepared refs/heads/main' && deaf=1; done; "
              "test \"$deaf\" || exit 0; trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 1000; true' &"));
    const auto run = start();
    ::kill(run->pid(), SIGINT);
    ::usleep(100'000);
    EXPECT_EQ(run->end_by(SIGINT), 130) << run->said();
    EXPECT_EQ(running_with(mark), 0u);
    no_hook("reference-transaction");
    EXPECT_EQ(d.graftline({"resume"}).status, 0);
    expect_landed_once();
}

TEST_F(LeftRunning, TheLockOfAGitThatWasKilledWithItsHookIsKnownAsOurs)
{
    for (const bool by_signal : {true, false}) {
        hook("reference-transaction",
             slow("hook", "while read old new ref; do case \"$1 $ref\" in 'prepared refs/heads/task/'*) "
                          "slow=1;; esac; done; test \"$slow\" || exit 0; trap '' TERM"));
        {
            const auto run = start();
            if (by_signal) ::kill(run->pid(), SIGINT);
            if (by_signal) ::usleep(100'000);
            run->end_by(by_signal ? SIGINT : SIGKILL);
        }
        no_hook("reference-transaction");
        const auto resumed = d.graftline({"resume"});
        EXPECT_EQ(resumed.status, 0) << resumed.err;
        EXPECT_EQ(running_with(mark), 0u);
        expect_landed_once();
        d.repository.git("reset", "-q", "--hard", "HEAD~1");
        fs::remove(begun);
        fs::remove_all(d.repository.git_folder() / "graftline");
    }
}

TEST_F(LeftRunning, AHookThatALandingWaitsForEndsWithTheFirstSignal)
{
    for (const std::string when : {"prepared", "committed"}) {
        hook("reference-transaction",
             slow("hook", "while read old new ref; do test \"$1 $ref\" = '" + when +
                              " refs/heads/main' && slow=1; done; test \"$slow\" || exit 0"));
        EXPECT_EQ(start()->end_by(SIGINT), 130);
        EXPECT_EQ(running_with(mark), 0u);
        no_hook("reference-transaction");
        if (task().at("state") != "merged") EXPECT_EQ(d.graftline({"resume"}).status, 0);
        expect_landed_once();
        d.repository.git("reset", "-q", "--hard", "HEAD~1");
        fs::remove(begun);
        fs::remove_all(d.repository.git_folder() / "graftline");
    }
}

TEST_F(LeftRunning, WhatAKilledRunLeftIsEndedBeforeTheNextCommandStartsAnything)
{
    hook("pre-commit", slow("hook", "trap '' TERM"));
    EXPECT_EQ(start()->end_by(SIGKILL), 137);
    EXPECT_GE(running_with(mark), 1u) << "the test shows nothing";
    hook("pre-commit", d.script("hook", "cat /proc/[0-9]*/cmdline | grep -a 1000 >> '" +
                                            d.repository.root().string() + "/beside'\nexit 0\n"));
    const auto resumed = d.graftline({"resume"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_EQ(running_with(mark), 0u);
    expect_landed_once();
}

TEST_F(LeftRunning, CancellingATaskEndsItsSetUp)
{
    write_file(d.repository.top() / "graftline.toml", "[worktree]\nsetup = [[\"" + slow("setup") + "\"]]\n");
    const auto run = start();
    EXPECT_EQ(d.graftline({"cancel", id()}).status, 0);
    EXPECT_EQ(running_with(mark), 0u);
    EXPECT_EQ(run->end_by(0), 1) << run->said();
    EXPECT_EQ(task().at("state"), "cancelled") << task();
}

TEST_F(LeftRunning, CancellingATaskEndsTheHookOfItsCommit)
{
    hook("pre-commit", slow("hook"));
    const auto run = start();
    EXPECT_EQ(d.graftline({"cancel", id()}).status, 0);
    EXPECT_EQ(running_with(mark), 0u);
    EXPECT_EQ(run->end_by(0), 1) << run->said();
    EXPECT_EQ(task().at("state"), "cancelled") << task();
    no_hook("pre-commit");
    EXPECT_EQ(d.graftline({"retry", id()}).status, 0);
    expect_landed_once();
}

TEST_F(LeftRunning, CancellingATaskEndsItsGateAndTheTaskHasNotFailed)
{
    const auto run = start({"--gate", slow("gate")});
    EXPECT_EQ(d.graftline({"cancel", id()}).status, 0);
    EXPECT_EQ(running_with(mark), 0u);
    EXPECT_EQ(run->end_by(0), 1) << run->said();
    EXPECT_EQ(task().at("state"), "completed") << task();
    EXPECT_THAT(std::string(task().at("reason").as_string()),
                testing::HasSubstr("its landing was cancelled"));
    d.script("gate", "exit 0\n");
    EXPECT_EQ(d.graftline({"land", id()}).status, 0);
    expect_landed_once();
}

TEST_F(LeftRunning, ACommitByHandThatIsInterruptedSaysSo)
{
    d.graftline({"run", "Work", "--", "sh", "-c", "echo work > work.txt; exit 3"});
    hook("pre-commit", slow("hook"));
    started_graftline commit(d, {"commit", id(), "-m", "by hand"});
    EXPECT_TRUE(eventually([this] { return fs::exists(begun); })) << commit.said();
    EXPECT_EQ(commit.end_by(SIGINT), 130);
    EXPECT_THAT(commit.said(), testing::HasSubstr("the commit was interrupted"));
    no_hook("pre-commit");
    EXPECT_EQ(d.graftline({"commit", id(), "-m", "by hand"}).status, 0);
    EXPECT_EQ(d.repository.git("show", std::string(task().at("branch").as_string()) + ":work.txt"), "work");
}

/// A run that is killed while the hook of its task's checkout is at work; somebody writes a file there then.
class HalfMade : public LeftRunning {
protected:
    HalfMade()
    {
        hook("post-checkout", slow("slow"));
        start()->end_by(SIGKILL);
        worktree = std::string(task().at("worktree").as_string());
        const auto shell = d.graftline({"shell", id(), "true"});
        EXPECT_EQ(shell.status, 2);
        EXPECT_THAT(shell.err, testing::HasSubstr("never finished"));
        write_file(worktree / "precious.txt", "precious\n");
        no_hook("post-checkout");
    }
    void expect_saved()
    {
        EXPECT_EQ(d.repository.git("show", "refs/graftline/rescue/" + id() + "/1:precious.txt"), "precious");
        EXPECT_FALSE(fs::exists(worktree / "precious.txt"));
    }
    fs::path worktree;
};

TEST_F(HalfMade, IsSavedWhenItIsMadeAnew)
{
    const auto resumed = d.graftline({"resume"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    expect_saved();
    expect_landed_once();
}

TEST_F(HalfMade, IsSavedWhenItIsDiscarded)
{
    const auto discarded = d.graftline({"discard", id()});
    EXPECT_EQ(discarded.status, 0) << discarded.err;
    expect_saved();
}

TEST_F(LeftRunning, CancellingATaskEndsAHookThatItsLandingWaitsFor)
{
    for (const bool in_time : {true, false}) {
        hook("reference-transaction",
             slow("hook", "while read old new ref; do test \"$1 $ref\" = '" +
                              std::string(in_time ? "prepared" : "committed") +
                              " refs/heads/main' && slow=1; done; test \"$slow\" || exit 0"));
        const auto run = start();
        const auto cancelled = d.graftline({"cancel", id()});
        EXPECT_EQ(cancelled.status, 0) << cancelled.err;
        EXPECT_THAT(cancelled.out, testing::HasSubstr(in_time ? "completed" : "merged"));
        EXPECT_EQ(running_with(mark), 0u);
        EXPECT_EQ(run->end_by(0), in_time ? 1 : 0) << run->said();
        EXPECT_EQ(task().at("state"), in_time ? "completed" : "merged") << task();
        no_hook("reference-transaction");
        if (in_time) EXPECT_EQ(commits(), 1u);
        if (in_time) EXPECT_EQ(d.graftline({"land", id()}).status, 0);
        expect_landed_once();
        d.repository.git("reset", "-q", "--hard", "HEAD~1");
        fs::remove(begun);
        fs::remove_all(d.repository.git_folder() / "graftline");
    }
}

TEST_F(LeftRunning, CancellingATaskEndsAFilterThatItsLandingWaitsFor)
{
    d.repository.commit_file(".gitattributes", "work.txt filter=slow\n");
    d.repository.git("config", "filter.slow.smudge", slow("smudge"));
    const auto run = start();
    const auto cancelled = d.graftline({"cancel", id()});
    EXPECT_EQ(cancelled.status, 0) << cancelled.err;
    EXPECT_EQ(running_with(mark), 0u);
    EXPECT_EQ(run->end_by(0), 1) << run->said();
    EXPECT_EQ(task().at("state"), "completed") << task();
    EXPECT_EQ(d.repository.git("status", "--porcelain"), "");
    EXPECT_FALSE(fs::exists(d.repository.top() / "work.txt"));
    d.repository.git("config", "--unset", "filter.slow.smudge");
    EXPECT_EQ(d.graftline({"land", id()}).status, 0);
    EXPECT_EQ(d.repository.git("show", "main:work.txt"), "work");
}

TEST_F(LeftRunning, CancellingATaskEndsAHookThatItsBranchWaitsFor)
{
    hook("reference-transaction",
         slow("hook", "while read old new ref; do case \"$1 $ref\" in 'prepared refs/heads/task/'*) "
                      "slow=1;; esac; done; test \"$slow\" || exit 0"));
    const auto run = start();
    EXPECT_EQ(d.graftline({"cancel", id()}).status, 0);
    EXPECT_EQ(running_with(mark), 0u);
    EXPECT_EQ(run->end_by(0), 1) << run->said();
    EXPECT_EQ(task().at("state"), "cancelled") << task();
    no_hook("reference-transaction");
    EXPECT_EQ(d.graftline({"retry", id()}).status, 0);
    expect_landed_once();
}

TEST_F(LeftRunning, CancellingATaskInTheHookOfItsCheckoutLeavesNoWorktreeThatCountsAsReady)
{
    hook("post-checkout", slow("hook"));
    const auto run = start();
    EXPECT_EQ(d.graftline({"cancel", id()}).status, 0);
    EXPECT_EQ(running_with(mark), 0u);
    EXPECT_EQ(run->end_by(0), 1) << run->said();
    EXPECT_EQ(task().at("state"), "cancelled") << task();
    EXPECT_THAT(run->said(), testing::Not(testing::HasSubstr("post-checkout hook failed")));
    const auto hooked = d.repository.root() / "hooked";
    hook("post-checkout", d.script("hook", "echo > '" + hooked.string() + "'\n"));
    EXPECT_EQ(d.graftline({"retry", id()}).status, 0);
    EXPECT_TRUE(fs::exists(hooked));
    expect_landed_once();
}

} // namespace
} // namespace graftline::test
