#include <boost/json/parse.hpp>

#include "tests/crash/twenty_tasks.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <unistd.h>

namespace graftline::test {
namespace {

using testing::HasSubstr;

/// A disk that fails under a run: said clearly, exit 3, and the run ends as it should once the disk is well.
class WriteFailure : public testing::Test {
protected:
    void fails_and_goes_on(long at, const std::string& error, const std::string& said)
    {
        one_run run(tasks);
        const auto failed = run.graftline(run.first_words(),
                                          with_failing_writes({"GRAFTLINE_TEST_FAIL_AT=" + std::to_string(at),
                                                               "GRAFTLINE_TEST_ERRNO=" + error}));
        EXPECT_EQ(failed.status, 3) << error << " at write " << at << ": " << failed.err;
        EXPECT_THAT(failed.err, HasSubstr(said)) << error << " at write " << at;
        expect_a_good_end(run, error + " at write " + std::to_string(at));
    }
    void expect_a_good_end(one_run& run, const std::string& how)
    {
        const auto end = run.finish();
        EXPECT_TRUE(end.wrong.empty()) << how << "\n" << end.told();
        EXPECT_EQ(end.states.size(), 20u) << how << "\n" << end.told();
        EXPECT_EQ(end.landings.size(), 16u) << how << "\n" << end.told();
        for (const auto& [task, times] : end.landings)
            EXPECT_EQ(times, 1) << how << ": " << task;
    }

    twenty_tasks tasks;
};

TEST_F(WriteFailure, AFullDiskUnderTheDatabaseIsSaidAndGoneOnFrom)
{
    fails_and_goes_on(300, "ENOSPC", "full");
}

TEST_F(WriteFailure, SoakAtManyWrites)
{
    for (const long at : {1L, 20L, 60L, 120L, 200L, 500L, 900L, 1500L, 2200L, 2600L})
        for (const std::string error : {"ENOSPC", "EIO"})
            fails_and_goes_on(at, error, error == "EIO" ? "I/O error" : "full");
}

/// Read-only in a mount namespace of the run's own, from the start or from when an agent works: once the run
/// has ended, it can be written to again.
class ReadOnly : public WriteFailure {
protected:
    void SetUp() override
    {
        one_run asks(tasks);
        if (asks.start({"unshare", "-m", "true"}).status != 0) GTEST_SKIP() << "no mount namespaces here";
    }
    static std::string guarded(const one_run& run)
    {
        return "mount --bind '" + run.top().string() + "/.git' '" + run.top().string() + "/.git'";
    }
    static std::string closed(const one_run& run)
    {
        return "mount -o remount,bind,ro '" + run.top().string() + "/.git'";
    }
    static std::vector<std::string> shell(const std::string& before, const std::vector<std::string>& words)
    {
        std::vector<std::string> all{"unshare",        "-m", "sh", "-c", before + " && exec \"$@\"", "sh",
                                     GRAFTLINE_PROGRAM};
        all.insert(all.end(), words.begin(), words.end());
        return all;
    }
};

TEST_F(ReadOnly, AGitFolderIsSaidToBeSo)
{
    one_run run(tasks);
    const auto failed = run.start(shell(guarded(run) + " && " + closed(run), run.first_words()));
    EXPECT_EQ(failed.status, 3) << failed.err;
    EXPECT_THAT(failed.err, testing::AnyOf(HasSubstr("ead-only"), HasSubstr("readonly"))) << failed.err;
    expect_a_good_end(run, "read-only from the start");
}

/// What is being written to cannot be made read-only; git's objects are not while nobody adds one.
TEST_F(ReadOnly, ObjectsThatCannotBeWrittenAnyMoreInterruptTheRun)
{
    one_run run(tasks);
    const auto objects = run.top().string() + "/.git/objects";
    const auto gate = run.folder() / "gate";
    const auto closing = gate.string() + ".closing";
    write_file(gate, "#!/bin/sh\nif [ -e '" + closing + "' ]; then until mount -o remount,bind,ro '" +
                         objects + "'; do sleep 0.05; done; fi\ntest ! -e bad.txt\n");
    write_file(closing, "");
    std::filesystem::permissions(gate, std::filesystem::perms::owner_all);
    auto words = run.first_words();
    *std::ranges::find(words, "test ! -e bad.txt") = gate.string();
    const auto failed = run.start(shell("mount --bind '" + objects + "' '" + objects + "'", words));
    EXPECT_EQ(failed.status, 3) << failed.err;
    EXPECT_THAT(failed.out,
                testing::AllOf(HasSubstr("Read-only file system"), HasSubstr("graftline resume")));
    std::filesystem::remove(closing);
    expect_a_good_end(run, "read-only objects from the first gate on");
}

/// Neither an agent nor a gate has failed when nobody could have done better on that disk.
TEST_F(ReadOnly, WhatFailsOnItHasNoOutcome)
{
    for (const std::string closes : {"agent", "gate"}) {
        one_run run(tasks);
        const auto objects = run.top().string() + "/.git/objects";
        const auto closing = run.folder() / "closing";
        const auto script = [&](const std::string& name, const std::string& does) {
            const auto file = run.folder() / name;
            write_file(file, "#!/bin/sh\n" + does);
            std::filesystem::permissions(file, std::filesystem::perms::owner_all);
            return file.string();
        };
        const auto fails = "if [ -e '" + closing.string() + "' ]; then until mount -o remount,bind,ro '" +
                           objects + "'; do sleep 0.05; done; exit 5; fi\n";
        const auto agent = script("agent", (closes == "agent" ? fails : "") + "echo made > made.txt\n");
        const auto gate = script("gate", closes == "gate" ? fails : "");
        write_file(closing, "");
        const auto failed = run.start(shell("mount --bind '" + objects + "' '" + objects + "'",
                                            {"run", "One", "--land", "--gate", gate, "--", agent}));
        EXPECT_EQ(failed.status, 3) << failed.err;
        EXPECT_THAT(failed.out, HasSubstr("Read-only file system"));
        std::filesystem::remove(closing);
        const auto resumed = run.graftline({"resume"});
        EXPECT_EQ(resumed.status, 0) << resumed.out << resumed.err;
        EXPECT_TRUE(try_git(run.top(), {"cat-file", "-e", "main:made.txt"}).ok) << closes;
    }
}

TEST_F(ReadOnly, WhatACommandCouldNotDoOnItIsSaid)
{
    one_run run(tasks);
    ASSERT_EQ(run.graftline({"create", "One"}).status, 0);
    const auto made = run.graftline({"status", "--json"}).out;
    const auto task = boost::json::parse(made).at("tasks").at(0);
    write_file(std::filesystem::path(std::string(task.at("worktree").as_string())) / "made.txt", "made\n");
    const auto objects = run.top().string() + "/.git/objects";
    const auto closed =
        "mount --bind '" + objects + "' '" + objects + "' && mount -o remount,bind,ro '" + objects + "'";
    const std::string id(task.at("id").as_string());
    for (const std::vector<std::string>& words :
         {std::vector<std::string>{"commit", id, "-m", "made"}, std::vector<std::string>{"discard", id}}) {
        const auto failed = run.start(shell(closed, words));
        EXPECT_EQ(failed.status, 3) << words.front() << ": " << failed.out << failed.err;
        EXPECT_THAT(failed.err, HasSubstr("Read-only file system")) << words.front();
    }
    EXPECT_EQ(run.graftline({"commit", id, "-m", "made"}).status, 0);
    EXPECT_TRUE(
        try_git(run.top(), {"cat-file", "-e", std::string(task.at("branch").as_string()) + ":made.txt"}).ok);
}

} // namespace
} // namespace graftline::test
