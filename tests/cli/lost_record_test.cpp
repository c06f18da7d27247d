// What a command does with a worktree whose record in git's folder is gone, or leads to another repository.
#include "tests/cli/program.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::Not;

/// A task that has failed and left work in its worktree.
class LostRecord : public testing::Test {
protected:
    LostRecord()
    {
        const auto agent = d.script("agent", "echo done > work.txt; exit 1\n");
        EXPECT_NE(d.graftline({"run", "Work", "--", agent}).status, 0);
        const auto seen = d.graftline({"status", "--json"}).json();
        const auto& task = seen.at("tasks").at(0);
        id = std::string(task.at("id").as_string());
        branch = std::string(task.at("branch").as_string());
        worktree = std::string(task.at("worktree").as_string());
        record = d.repository.git_folder() / "worktrees" / worktree.filename();
    }
    void expect_committed_and_landed()
    {
        const auto committed = d.graftline({"commit", id, "-m", "feat: work"});
        EXPECT_EQ(committed.status, 0) << committed.err;
        EXPECT_THAT(committed.err,
                    HasSubstr("Git's record of the worktree of " + id + " was written again."));
        const auto landed = d.graftline({"land", id});
        EXPECT_EQ(landed.status, 0) << landed.err;
        EXPECT_THAT(landed.err, Not(HasSubstr("worktree of")));
        EXPECT_EQ(d.repository.git("show", "main:work.txt"), "done");
        EXPECT_FALSE(fs::exists(worktree));
        EXPECT_FALSE(fs::exists(record));
    }

    desk d;
    std::string id;
    std::string branch;
    fs::path worktree;
    fs::path record;
};

TEST_F(LostRecord, IsMadeAgainFromTheFolder)
{
    fs::remove_all(record);
    expect_committed_and_landed();
}

TEST_F(LostRecord, IsMadeAgainWhereItWasTheLast) // git removes the folder of all then
{
    fs::remove_all(record.parent_path());
    expect_committed_and_landed();
}

TEST_F(LostRecord, IsMadeAgainForADiscard)
{
    fs::remove_all(record);
    const auto discarded = d.graftline({"discard", id});
    EXPECT_EQ(discarded.status, 0) << discarded.err;
    EXPECT_EQ(d.repository.git("show", "refs/graftline/rescue/" + id + "/1:work.txt"), "done");
    EXPECT_FALSE(fs::exists(worktree));
}

TEST_F(LostRecord, IsNotMadeForABranchThatIsGoneOrElsewhere)
{
    fs::remove_all(record);
    const auto tip = d.repository.git("rev-parse", branch);
    d.repository.git("branch", "-D", branch);
    const auto gone = d.graftline({"commit", id, "-m", "x"});
    EXPECT_NE(gone.status, 0);
    EXPECT_THAT(gone.err, HasSubstr("git has no record of this worktree any more, and its branch is gone"));
    EXPECT_THAT(gone.err, HasSubstr("move the folder away"));
    d.repository.git("checkout", "-q", "-b", branch, tip);
    const auto elsewhere = d.graftline({"commit", id, "-m", "x"});
    EXPECT_NE(elsewhere.status, 0);
    EXPECT_THAT(elsewhere.err, HasSubstr("its branch is in use in " + d.repository.top().string()));
    EXPECT_FALSE(fs::exists(record));
    EXPECT_TRUE(fs::exists(worktree / "work.txt"));
}

TEST_F(LostRecord, IsNotMadeWhereCopiesOfTheUsersFilesWouldLand)
{
    d.repository.write("graftline.toml", "[worktree]\ncopy = [\".env\"]\n");
    write_file(worktree / ".env", "secret\n"); // as if it had been put there
    fs::remove_all(record);
    const auto refused = d.graftline({"commit", id, "-m", "x"});
    EXPECT_NE(refused.status, 0);
    EXPECT_THAT(refused.err, HasSubstr("is not known: .env"));
    EXPECT_THAT(refused.err, HasSubstr("Move it out of there"));
    fs::remove(worktree / ".env");
    expect_committed_and_landed();
}

TEST_F(LostRecord, ThatLeadsToAnotherRepositoryLeadsBack)
{
    const auto other = d.repository.root() / "other";
    fs::create_directory(other);
    d.repository.git("init", "-q", other.string());
    write_file(record / "commondir", (other / ".git").string() + "\n");
    expect_committed_and_landed();
}

TEST_F(LostRecord, ThatAnAgentLedToAnotherRepositoryFailsItsTask)
{
    const auto other = d.repository.root() / "other";
    fs::create_directory(other);
    d.repository.git("init", "-q", other.string());
    const auto agent = d.script("meddler", "echo m > m.txt; record=$(git rev-parse --git-dir); echo '" +
                                               (other / ".git").string() + "' > \"$record/commondir\"\n");
    const auto ran = d.graftline({"run", "Meddle", "--land", "--", agent});
    EXPECT_NE(ran.status, 0);
    EXPECT_THAT(ran.out + ran.err, HasSubstr("git's record of this worktree names another repository: " +
                                             (other / ".git").string()));
    const auto seen = d.graftline({"status", "--json"}).json();
    for (const auto& task : seen.at("tasks").as_array()) {
        const std::string each(task.at("id").as_string());
        if (each == id) continue;
        const auto discarded = d.graftline({"discard", each});
        EXPECT_EQ(discarded.status, 0) << discarded.err;
        EXPECT_EQ(d.repository.git("show", "refs/graftline/rescue/" + each + "/1:m.txt"), "m");
    }
}

} // namespace
} // namespace graftline::test
