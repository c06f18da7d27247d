// A disk that is full while an agent works that does not notice.
#include "tests/crash/twenty_tasks.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace graftline::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// All of it happens in a mount namespace of its own, on a small disk that ends with it.
class FullDisk : public testing::Test {
protected:
    void SetUp() override
    {
        if (one_run(tasks).start({"unshare", "-m", "true"}).status != 0)
            GTEST_SKIP() << "no mount namespaces here";
    }

    /// Makes the disk, runs a task whose agent fills it, does `then` in the agent, and ends well; then makes
    /// room and resumes. What all that said, with exit statuses.
    std::string run_on(const std::string& make_disk, const std::string& then)
    {
        one_run run(tasks);
        const auto agent = run.folder() / "agent";
        write_file(agent, R"sh(#!/bin/sh
if mkdir "$TEST_FOLDER/filled" 2>/dev/null; then
    cat /dev/zero >"$TEST_DISK/fill" 2>/dev/null
    echo made >made.txt 2>/dev/null
    )sh" + then + R"sh(
    exit 0
fi
echo made >made.txt
)sh");
        std::filesystem::permissions(agent, std::filesystem::perms::owner_all);
        const std::string script = R"sh(
mkdir "$TEST_DISK"
{ )sh" + make_disk + R"sh(
} >"$TEST_FOLDER/disk.log" 2>&1 || { cat "$TEST_FOLDER/disk.log"; echo "no disk"; exit; }
cp -a "$TEST_FOLDER/repo" "$TEST_DISK/repo" && cd "$TEST_DISK/repo" || exit
"$TEST_GRAFTLINE" run Make --land -- "$TEST_FOLDER/agent" 2>&1
echo "run: exit status $?"
git cat-file -e main:made.txt 2>/dev/null && echo "what was cut off has landed"
rm -f "$TEST_DISK/fill"
"$TEST_GRAFTLINE" resume 2>&1
echo "resume: exit status $?"
echo "landed: $(git show main:made.txt)"
)sh";
        return run
            .start({"unshare", "-m", "sh", "-c", script},
                   {"TEST_FOLDER=" + run.folder().string(), "TEST_DISK=" + (run.folder() / "disk").string(),
                    "TEST_GRAFTLINE=" GRAFTLINE_PROGRAM})
            .out;
    }

    static void expect_nothing_was_cut_off(const std::string& said)
    {
        EXPECT_THAT(said,
                    AllOf(HasSubstr("run: exit status 3"), HasSubstr("full"), Not(HasSubstr("has landed")),
                          HasSubstr("resume: exit status 0"), HasSubstr("landed: made")));
    }

    static constexpr const char* small = R"sh(mount -t tmpfs -o size=24m tmpfs "$TEST_DISK")sh";

    twenty_tasks tasks;
};

TEST_F(FullDisk, IsNoSuccessOfAnAgentsThatDidNotNotice)
{
    expect_nothing_was_cut_off(run_on(small, ""));
}

TEST_F(FullDisk, IsRememberedWhenThereIsRoomAgain)
{
    expect_nothing_was_cut_off(run_on(small, R"sh(sleep 2; rm "$TEST_DISK/fill")sh"));
}

/// Where a file system copies what is written, memory that is shared through a file needs room too.
TEST_F(FullDisk, UnderTheDatabasesSharedMemoryIsSaid)
{
    const auto said =
        run_on(R"sh(truncate -s 128M "$TEST_FOLDER/image" && mkfs.btrfs -q "$TEST_FOLDER/image" &&
mount -o loop "$TEST_FOLDER/image" "$TEST_DISK")sh",
               "");
    if (said.find("no disk") != said.npos) GTEST_SKIP() << "no btrfs can be made here: " << said;
    expect_nothing_was_cut_off(said);
}

} // namespace
} // namespace graftline::test
