#include "graftline/git/landing/lost_update.hpp"
#include "graftline/git/merge/merge.hpp"
#include "graftline/git/repository/repository.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

using git::oid;
using git::undone_lines;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* begin = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n";
constexpr const char* landed = "one\ntwo\nif (checked)\n    return;\nthree\nfour\nfive\nsix\nseven\neight\n";

/// A task on branch `task`, begun at `base`; main has landed something since. The task's branch is checked
/// out.
class LostUpdate : public testing::Test {
protected:
    void SetUp() override
    {
        isolate_git();
        repo.write("code.c", begin);
        repo.write("old.txt", "old\nlines\nhere\n");
        repo.write("tool.sh", "#!/bin/sh\necho tool\n");
        base = repo.commit("begin");
        repo.git("switch", "-q", "-c", "task");
        work = repo.commit_file("own.txt", "the task's own work\n");
        repo.git("switch", "-q", "main");
    }
    /// What lands on main meanwhile.
    std::string land(const std::string& message = "fix the check")
    {
        fix = repo.commit(message);
        repo.git("switch", "-q", "task");
        return fix;
    }
    void land_the_fix()
    {
        repo.write("code.c", landed);
        land();
    }
    /// What landing `task` on main as a merge would take back.
    std::vector<undone_lines> undone()
    {
        auto body = [](std::filesystem::path top, oid from, oid target,
                       oid task) -> awaitable<std::vector<undone_lines>> {
            auto found = (co_await git::repository::discover(top)).value();
            auto merged = (co_await git::merge_commits(*found, target, task)).value();
            EXPECT_TRUE(merged.clean()) << merged.conflicts.front().path;
            auto lines = co_await git::lines_undone(*found, from, target, task, merged.tree, merged.objects);
            co_return lines.value();
        };
        auto lines = run_here(body(repo.top(), oid(base), oid(repo.git("rev-parse", "main")),
                                   oid(repo.git("rev-parse", "task"))));
        const auto scratch = repo.git_folder() / "graftline" / "scratch";
        EXPECT_TRUE(!std::filesystem::exists(scratch) || std::filesystem::is_empty(scratch));
        return lines;
    }
    void expect_the_fix_is_saved()
    {
        const auto found = undone();
        ASSERT_THAT(found, SizeIs(1));
        EXPECT_EQ(found[0].path, "code.c");
        EXPECT_THAT(found[0].lines, ElementsAre("+if (checked)", "+    return;"));
        EXPECT_EQ(found[0].landed_by, fix);
    }

    test_repository repo;
    std::string base, work, fix;
};

TEST_F(LostUpdate, AMergeThatKeepsOursOnlyTakesTheFixBack)
{
    land_the_fix();
    repo.git("merge", "-q", "-s", "ours", "-m", "merge main", "main");
    expect_the_fix_is_saved();
}

TEST_F(LostUpdate, ASoftResetWithStaleFilesTakesTheFixBack)
{
    land_the_fix();
    repo.git("reset", "-q", "--soft", "main");
    repo.git("commit", "-q", "-m", "all my work");
    expect_the_fix_is_saved();
}

TEST_F(LostUpdate, ARebaseThatTookItsOwnSideTakesTheFixBack)
{
    repo.git("switch", "-q", "task");
    repo.write("code.c", "one\ntwo\nthree and more\nfour\nfive\nsix\nseven\neight\n");
    repo.commit("near the fix");
    repo.git("switch", "-q", "main");
    repo.write("code.c", landed);
    repo.write("other.c", "another fix\n");
    land();
    repo.git("rebase", "-q", "-X", "theirs", "main"); // the task's side, where they meet
    repo.git("rm", "-q", "other.c");
    repo.git("commit", "-q", "--amend", "--no-edit");
    const auto found = undone();
    ASSERT_THAT(found, SizeIs(1)) << "code.c was touched by the task itself";
    EXPECT_EQ(found[0].path, "other.c");
    EXPECT_THAT(found[0].lines, ElementsAre("+another fix"));
}

TEST_F(LostUpdate, WhatLandedLaterStillDoesNotHideIt)
{
    land_the_fix();
    repo.git("merge", "-q", "-s", "ours", "-m", "merge main", "main");
    repo.git("switch", "-q", "main");
    repo.commit_file("later.txt", "later\n");
    repo.commit_file("code.c", std::string(landed) + "nine\n");
    repo.git("switch", "-q", "task");
    expect_the_fix_is_saved();
}

TEST_F(LostUpdate, RemovedLinesAndFilesThatComeBackCount)
{
    repo.write("code.c", "one\ntwo\nthree\nfive\nsix\nseven\neight\n");
    std::filesystem::remove(repo.top() / "old.txt");
    land();
    repo.git("merge", "-q", "-s", "ours", "-m", "merge main", "main");
    const auto found = undone();
    ASSERT_THAT(found, SizeIs(2));
    EXPECT_THAT(found[0].lines, ElementsAre("-four"));
    EXPECT_EQ(found[1].path, "old.txt");
    EXPECT_THAT(found[1].lines, ElementsAre("-old", "-lines", "-here"));
}

TEST_F(LostUpdate, ModesLinksAndBinaryFilesCount)
{
    std::filesystem::permissions(repo.top() / "tool.sh", std::filesystem::perms::owner_all);
    std::filesystem::create_symlink("tool.sh", repo.top() / "link");
    repo.write("picture", std::string("\0\1\2", 3));
    land();
    repo.git("merge", "-q", "-s", "ours", "-m", "merge main", "main");
    const auto found = undone();
    ASSERT_THAT(found, SizeIs(3));
    EXPECT_THAT(found[0].lines, ElementsAre("+symbolic link to tool.sh"));
    EXPECT_THAT(found[1].lines, ElementsAre("+binary contents " + repo.git("rev-parse", "main:picture")));
    EXPECT_THAT(found[2].lines, ElementsAre("+mode 100755"));
}

TEST_F(LostUpdate, AFixIsFollowedIntoARenamedFile)
{
    land_the_fix();
    repo.git("merge", "-q", "-m", "merge main", "main");
    repo.git("mv", "code.c", "program.c");
    repo.write("program.c", begin);
    repo.commit("rename, with the old text");
    const auto found = undone();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].path, "program.c");
    EXPECT_THAT(found[0].lines, Contains("+if (checked)"));
}

TEST_F(LostUpdate, HonestWorkIsLeftAlone)
{
    land_the_fix();
    EXPECT_THAT(undone(), IsEmpty()) << "not merged at all";
    repo.git("merge", "-q", "-m", "merge main", "main");
    EXPECT_THAT(undone(), IsEmpty()) << "merged";
    repo.git("mv", "code.c", "program.c");
    repo.commit("rename");
    EXPECT_THAT(undone(), IsEmpty()) << "renamed";
}

TEST_F(LostUpdate, ChangingWhatLandedIsTheTasksRight)
{
    land_the_fix();
    repo.git("merge", "-q", "-m", "merge main", "main");
    repo.write("code.c", "one\ntwo\nif (checked && allowed)\n    return;\nthree\nfour\nfive\nsix\n");
    repo.commit("change the check");
    EXPECT_THAT(undone(), IsEmpty());
    repo.write("code.c", "one\ntwo\nif (checked)\n    goto end;\nthree\nfour\nfive\nsix\n");
    repo.commit("change it again");
    EXPECT_THAT(undone(), IsEmpty());
}

TEST_F(LostUpdate, MovingWhatLandedIsTheTasksRight)
{
    repo.write("code.c", landed);
    repo.write("new.c", "int a() { return 1; }\nint b() { return 2; }\n");
    land();
    repo.git("merge", "-q", "-m", "merge main", "main");
    repo.write("code.c", begin);
    repo.write("check.c", "if (checked)\n    return;\n");
    std::filesystem::create_directory(repo.top() / "lib");
    repo.git("mv", "new.c", "lib/new.c");
    repo.commit("tidy up");
    EXPECT_THAT(undone(), IsEmpty());
}

TEST_F(LostUpdate, ARevertSaysThatItIsMeant)
{
    land_the_fix();
    repo.git("merge", "-q", "-m", "merge main", "main");
    repo.git("revert", "--no-edit", fix);
    EXPECT_THAT(undone(), IsEmpty());
}

TEST_F(LostUpdate, ARevertIsMeantForThatCommitAlone)
{
    repo.write("code.c", landed);
    const auto first = repo.commit("first");
    repo.write("more.c", "more\n");
    land("second");
    repo.git("merge", "-q", "-s", "ours", "-m", "merge main\n\nThis reverts commit " + first + ".", "main");
    const auto found = undone();
    ASSERT_THAT(found, SizeIs(1));
    EXPECT_EQ(found[0].path, "more.c");
    EXPECT_EQ(found[0].landed_by, fix);
}

TEST_F(LostUpdate, AReturnToTheOldTextWithoutAWordIsRefused)
{
    land_the_fix();
    repo.git("merge", "-q", "-m", "merge main", "main");
    repo.write("code.c", begin);
    repo.commit("simplify");
    expect_the_fix_is_saved();
}

TEST_F(LostUpdate, ALandingsCommitIsNamed)
{
    repo.git("switch", "-q", "-c", "other");
    repo.commit_file("code.c", landed);
    repo.git("switch", "-q", "main");
    repo.git("merge", "-q", "--no-ff", "-m", "Merge other", "other");
    repo.commit_file("later.txt", "later\n");
    fix = repo.git("rev-parse", "main~1");
    repo.git("switch", "-q", "task");
    repo.git("merge", "-q", "-s", "ours", "-m", "merge main", "main");
    const auto found = undone();
    ASSERT_THAT(found, SizeIs(2));
    EXPECT_EQ(found[0].landed_by, fix) << "the landing, not the commit inside it";
}

TEST_F(LostUpdate, AWorksBaseThatHasNotLandedIsPassedOver)
{
    repo.git("switch", "-q", "task");
    base = work; // it came after another task, whose work is not on the target
    repo.commit_file("second.txt", "after it\n");
    repo.git("switch", "-q", "main");
    land_the_fix();
    EXPECT_THAT(undone(), IsEmpty());
    repo.git("merge", "-q", "-s", "ours", "-m", "merge main", "main");
    expect_the_fix_is_saved();
}

} // namespace
} // namespace graftline::test
