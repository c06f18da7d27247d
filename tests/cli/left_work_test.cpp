// Work that an agent leaves where no landing takes it is seen, named and kept; so is what it takes away.
#include "tests/cli/program.hpp"
#include "tests/cli/started_graftline.hpp"
#include "tests/support/built.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace graftline::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class LeftWork : public testing::Test {
protected:
    said run(const std::string& agent, std::vector<std::string> more = {"--land"})
    {
        std::vector<std::string> words{"run", "t", "--json"};
        words.insert(words.end(), more.begin(), more.end());
        words.insert(words.end(), {"--", d.script("agent", agent)});
        return d.graftline(words);
    }
    static boost::json::object task_in(const said& answer, std::size_t at = 0)
    {
        return answer.json().at("tasks").as_array().at(at).as_object();
    }
    static std::string text_in(const boost::json::object& task, std::string_view key)
    {
        const auto& value = task.at(key);
        return value.is_string() ? std::string(value.as_string()) : std::string();
    }
    /// One thing was left, and it is `where`; a person is told, and not to throw the task away.
    void expect_left(const said& answer, const std::string& where, const std::string& file)
    {
        EXPECT_EQ(answer.status, 1) << "what it made did not land";
        const auto task = task_in(answer);
        EXPECT_EQ(text_in(task, "state"), "completed");
        EXPECT_THAT(text_in(task, "reason"), AllOf(HasSubstr("work elsewhere"), HasSubstr(where)));
        ASSERT_EQ(task.at("left").as_array().size(), 1u) << task;
        const auto& left = task.at("left").as_array().at(0).as_object();
        EXPECT_THAT(text_in(left, "where"), HasSubstr(where));
        EXPECT_EQ(d.repository.git("show", text_in(left, "commit") + ":" + file), "w");
        EXPECT_FALSE(task.at("worktree").is_null());
        EXPECT_THAT(d.graftline({"status", text_in(task, "id")}).out, Not(HasSubstr("discard")));
    }

    desk d;
};

TEST_F(LeftWork, OnTheStashIsNamed)
{
    expect_left(run("echo w >greeting.txt; git stash -q\n"), "the stash", "greeting.txt");
}

TEST_F(LeftWork, OnAnotherBranchIsNamed)
{
    expect_left(run("git switch -qc other; echo w >w.txt; git add w.txt; git commit -qm 'work there'\n"
                    "git switch -q -\n"),
                "branch other", "w.txt");
}

TEST_F(LeftWork, OnATagIsNamed)
{
    for (const std::string& tag : {std::string("git tag keep"), std::string("git tag -a -m note keep-too")})
        expect_left(run("echo w >w.txt; git add w.txt; git commit -qm \"$GRAFTLINE_TASK_ID\"; " + tag + "\n" +
                        "git reset -q --hard HEAD~1\n"),
                    "tag keep", "w.txt");
}

TEST_F(LeftWork, OnNoRefIsNamed)
{
    const auto answer = run("git checkout -q --detach; echo w >w.txt; git add w.txt; git commit -qm w\n"
                            "git checkout -q -\n");
    expect_left(answer, "no branch", "w.txt");
    const auto id = text_in(task_in(answer), "id");
    EXPECT_EQ(d.graftline({"discard", id}).status, 0);
    const auto kept = task_in(answer).at("left").as_array().at(0).as_object();
    EXPECT_THAT(d.repository.git("rev-list", "refs/graftline/rescue/" + id + "/1"),
                HasSubstr(text_in(kept, "commit")));
}

TEST_F(LeftWork, OnAStashOfANamelessHeadIsNamed)
{
    expect_left(run("git checkout -q --detach; git commit -q --allow-empty -m e; echo w >greeting.txt\n"
                    "git stash -q; git checkout -q -\n"),
                "", "greeting.txt");
}

TEST_F(LeftWork, InAnotherWorktreeIsNamed)
{
    const auto answer = run("git worktree add -q --detach ../beside; echo w >../beside/w.txt\n");
    EXPECT_EQ(answer.status, 1);
    const auto task = task_in(answer);
    EXPECT_THAT(text_in(task, "reason"), AllOf(HasSubstr("worktree "), HasSubstr("/beside"),
                                               HasSubstr("changes that are not committed")));
    const auto committed = run("git worktree add -q -b next ../next; cd ../next; echo w >w.txt\n"
                               "git add w.txt; git commit -qm w\n");
    EXPECT_THAT(text_in(task_in(committed), "reason"), HasSubstr("branch next"));
}

TEST_F(LeftWork, InAWorktreeInItsTemporaryFolderStays)
{
    const auto answer = run("git worktree add -q -b other \"$TMPDIR/o\"; echo w >\"$TMPDIR/o/w.txt\"\n");
    EXPECT_EQ(answer.status, 1);
    const auto task = task_in(answer);
    EXPECT_THAT(text_in(task, "reason"), HasSubstr("changes that are not committed"));
    const auto worktrees = d.repository.git("worktree", "list", "--porcelain");
    const auto at = worktrees.find("/o\nHEAD");
    ASSERT_NE(at, worktrees.npos) << worktrees;
    const auto begin = worktrees.rfind("worktree ", at) + 9;
    const std::filesystem::path place = worktrees.substr(begin, at + 2 - begin);
    EXPECT_EQ(read_file(place / "w.txt"), "w\n");
    EXPECT_EQ(d.graftline({"discard", text_in(task, "id")}).status, 0);
    EXPECT_EQ(read_file(place / "w.txt"), "w\n");
    d.repository.git("worktree", "remove", "--force", place.string());
    std::filesystem::remove_all(place.parent_path());
}

TEST_F(LeftWork, MadeWithoutACheckoutIsNamed)
{
    const auto answer = run("git update-ref refs/heads/plumbed \"$(git commit-tree -p HEAD -m m \"$(git "
                            "mktree </dev/null)\")\"\n");
    EXPECT_EQ(answer.status, 1);
    EXPECT_THAT(text_in(task_in(answer), "reason"), HasSubstr("branch plumbed"));
}

TEST_F(LeftWork, BesideWhatLandsIsSaid)
{
    const auto answer = run("echo w >greeting.txt; git stash -q; echo l >l.txt\n");
    EXPECT_EQ(answer.status, 0) << answer.err;
    const auto task = task_in(answer);
    EXPECT_EQ(text_in(task, "state"), "merged");
    EXPECT_EQ(task.at("left").as_array().size(), 1u);
}

TEST_F(LeftWork, OfAFailedAgentIsSaid)
{
    const auto answer = run("echo w >greeting.txt; git stash -q; exit 3\n");
    EXPECT_EQ(task_in(answer).at("left").as_array().size(), 1u);
}

TEST_F(LeftWork, IsNoneWhereItIsOnTheTasksBranchToo)
{
    for (const std::string& agent :
         {std::string("git switch -qc other; echo a >a1; git add a1; git commit -qm o; git switch -q -\n"
                      "git merge -q other\n"),
          std::string("git switch -qc more; echo a >a2; git add a2; git commit -qm o\n"),
          std::string("echo a >a3; git stash -uq; git stash pop -q\n"),
          std::string("echo a >a4; git add a4; git commit -qm a; git commit -q --amend -m b; git tag done\n"),
          std::string("git branch nothing; git worktree add -q --detach ../nothing; echo a >a5\n")}) {
        const auto answer = run(agent);
        EXPECT_EQ(answer.status, 0) << answer.err << agent;
        EXPECT_TRUE(task_in(answer).at("left").as_array().empty()) << agent;
        EXPECT_TRUE(answer.json().at("left").as_array().empty()) << agent;
    }
}

TEST_F(LeftWork, IsNotTheUsersOwn)
{
    const auto top = d.repository.top().string();
    const auto answer = run("cd " + top +
                                "; git switch -qc users; echo u >u.txt; git add u.txt; git commit -qm u\n"
                                "git switch -q -\n",
                            {});
    EXPECT_EQ(answer.status, 0);
    EXPECT_TRUE(task_in(answer).at("left").as_array().empty()) << "their checkout was on it";
    EXPECT_TRUE(answer.json().at("left").as_array().empty());
}

TEST_F(LeftWork, IsNotWhatWasFetched)
{
    const auto other = (d.repository.root() / "other").string();
    d.repository.git("clone", "-q", d.repository.top().string(), other);
    const auto answer = run("id=$(GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' git -C '" + other +
                                "' commit-tree -m old HEAD^{tree}); git -C '" + other +
                                "' tag v1 $id; git fetch -q --tags '" + other + "'\n",
                            {});
    EXPECT_EQ(answer.status, 0);
    EXPECT_EQ(d.repository.git("tag"), "v1");
    EXPECT_TRUE(answer.json().at("left").as_array().empty()) << answer.out;
    EXPECT_TRUE(task_in(answer).at("left").as_array().empty()) << answer.out;
}

TEST_F(LeftWork, OfSeveralAtOnceIsSaidForTheRun)
{
    const auto answer = d.graftline(
        {"run", "A", "B", "--json", "--",
         d.script("agent",
                  "here=$(git rev-parse --git-common-dir); touch $here/$GRAFTLINE_TASK.here\n"
                  "until test -e $here/A.here -a -e $here/B.here; do sleep 0.05; done\n"
                  "test $GRAFTLINE_TASK = A && git update-ref refs/heads/plumbed \"$(git commit-tree -p HEAD "
                  "-m m \"$(git mktree </dev/null)\")\" && sleep 1.1\n"
                  "test $GRAFTLINE_TASK = A && touch $here/over\n"
                  "until test -e $here/over; do sleep 0.05; done\n")});
    ASSERT_EQ(answer.json().at("left").as_array().size(), 1u) << answer.out;
    EXPECT_EQ(text_in(answer.json().at("left").as_array().at(0).as_object(), "where"), "branch plumbed");
}

TEST_F(LeftWork, StashesOfTwoAgentsAreToldApart)
{
    const auto answer = d.graftline(
        {"run", "A", "B", "--json", "--",
         d.script("agent", "echo $GRAFTLINE_TASK >greeting.txt; git stash -q || git stash -q\n")});
    for (std::size_t at : {0u, 1u}) {
        const auto task = task_in(answer, at);
        ASSERT_EQ(task.at("left").as_array().size(), 1u) << task;
        const auto commit = text_in(task.at("left").as_array().at(0).as_object(), "commit");
        EXPECT_EQ(d.repository.git("show", commit + ":greeting.txt"), text_in(task, "description"));
    }
}

TEST_F(LeftWork, OnAnyOtherRefIsNamed)
{
    expect_left(run("echo w >w.txt; git add w.txt; git commit -qm w; git update-ref refs/backup/mine HEAD\n"
                    "git reset -q --hard HEAD~1\n"),
                "ref refs/backup/mine", "w.txt");
}

TEST_F(LeftWork, WithoutReflogsIsNamed)
{
    d.repository.git("config", "core.logAllRefUpdates", "false");
    const auto answer = run("git switch -qc other; echo w >w.txt; git add w.txt; git commit -qm w; git "
                            "switch -q \"$GRAFTLINE_BRANCH\"\n");
    EXPECT_EQ(answer.status, 1);
    EXPECT_THAT(text_in(task_in(answer), "reason"), HasSubstr("branch other"));
}

TEST_F(LeftWork, ThatAnotherAgentTookFromTheStashIsKept)
{
    const auto mark = (d.repository.root() / "mark").string();
    const auto answer = d.graftline(
        {"run", "A", "B", "--json", "--",
         d.script("agent", "if test $GRAFTLINE_TASK = A; then echo a >greeting.txt; git stash -q; exit; fi\n"
                           "until git stash list | grep -q task/a-; do sleep 0.05; done\n"
                           "until test -n \"$('" +
                               std::string(built_program()) +
                               "' status --json | grep -o 'the stash')\"; do sleep 0.1; done\n"
                               "git stash drop -q\n")});
    ASSERT_EQ(answer.json().at("lost").as_array().size(), 1u) << answer.out;
    const auto lost = answer.json().at("lost").as_array().at(0).as_object();
    EXPECT_EQ(d.repository.git("show", text_in(lost, "rescue") + ":greeting.txt"), "a");
}

class LostStash : public LeftWork {
protected:
    LostStash()
    {
        d.repository.write("greeting.txt", "theirs\n");
        d.repository.git("stash", "push", "-q", "-m", "it's mine");
        theirs = d.repository.git("rev-parse", "refs/stash");
    }
    /// It is named, kept whatever git collects, and comes back by the command that is said.
    void expect_kept(const said& answer)
    {
        ASSERT_EQ(answer.json().at("lost").as_array().size(), 1u) << answer.out;
        const auto lost = answer.json().at("lost").as_array().at(0).as_object();
        EXPECT_EQ(text_in(lost, "commit"), theirs);
        d.repository.git("gc", "-q", "--prune=now");
        EXPECT_EQ(d.repository.git("rev-parse", text_in(lost, "rescue")), theirs);
        EXPECT_EQ(
            std::system(("cd '" + d.repository.top().string() + "' && " + text_in(lost, "command")).c_str()),
            0);
        EXPECT_THAT(d.repository.git("stash", "list"), HasSubstr("it's mine"));
    }
    std::string theirs;
};

TEST_F(LostStash, ThatAnAgentPoppedIsKept)
{
    expect_kept(run("git stash pop -q; git checkout -q .\n"));
}

TEST_F(LostStash, ThatAnAgentDroppedAmongOthersIsKept)
{
    expect_kept(run("echo w >greeting.txt; git stash -q; git stash drop -q stash@{1}; git stash pop -q\n"));
}

TEST_F(LostStash, IsSaidToAPerson)
{
    const auto answer = d.graftline({"run", "t", "--", d.script("agent", "git stash clear\n")});
    EXPECT_THAT(answer.out, AllOf(HasSubstr("went out of the repository"), HasSubstr("git stash store"),
                                  HasSubstr(theirs)));
}

TEST_F(LostStash, IsKeptAlsoWhenTheRunIsGoneOnWith)
{
    const auto mark = d.repository.root() / "mark";
    const auto agent =
        d.script("agent", "git stash clear; touch '" + mark.string() + "'\n" + "until test -e '" +
                              mark.string() + ".go'; do sleep 0.05; done\n");
    started_graftline first(d, {"run", "t", "--", agent});
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(mark); })) << first.said();
    EXPECT_EQ(first.end_by(SIGKILL), 137);
    write_file(mark.string() + ".go", "");
    expect_kept(d.graftline({"resume", "--json"}));
}

class LostBranch : public LeftWork {
protected:
    LostBranch()
    {
        d.repository.git("switch", "-qc", "feature");
        d.repository.commit_file("f.txt", "f\n");
        d.repository.git("switch", "-q", "main");
        tip = d.repository.git("rev-parse", "feature");
    }
    std::string tip;
};

TEST_F(LostBranch, ThatAnAgentDeletedIsKept)
{
    const auto answer = run("git branch -D feature\n");
    ASSERT_EQ(answer.json().at("lost").as_array().size(), 1u) << answer.out;
    const auto lost = answer.json().at("lost").as_array().at(0).as_object();
    EXPECT_EQ(text_in(lost, "what"), "branch feature");
    EXPECT_EQ(d.repository.git("rev-parse", text_in(lost, "rescue")), tip);
}

TEST_F(LostBranch, ThatAnAgentMovedBackIsKept)
{
    const auto answer = run("git branch -f feature main\n");
    ASSERT_EQ(answer.json().at("lost").as_array().size(), 1u) << answer.out;
    const auto lost = answer.json().at("lost").as_array().at(0).as_object();
    EXPECT_EQ(d.repository.git("rev-parse", text_in(lost, "rescue")), tip);
}

TEST_F(LostBranch, ThatIsTheTargetIsKept)
{
    d.repository.commit_file("theirs.txt", "t\n");
    const auto theirs = d.repository.git("rev-parse", "main");
    const auto answer = run("git update-ref refs/heads/main main~1; echo w >w.txt\n", {"--base", "main~1"});
    ASSERT_EQ(answer.json().at("lost").as_array().size(), 1u) << answer.out;
    const auto lost = answer.json().at("lost").as_array().at(0).as_object();
    EXPECT_EQ(text_in(lost, "commit"), theirs);
}

TEST_F(LostBranch, ThatItsUserAmendedIsNone)
{
    const auto answer =
        run("cd '" + d.repository.top().string() + "'; git commit -q --amend -m amended\n", {});
    EXPECT_TRUE(answer.json().at("lost").as_array().empty()) << answer.out;
}

TEST_F(LostBranch, IsNoneThatMovedOnOrWasMerged)
{
    const auto answer = run("git switch -q feature; git commit -q --allow-empty -m more; git switch -q -\n"
                            "git merge -q --no-ff -m merge feature; git branch -D feature\n");
    EXPECT_TRUE(answer.json().at("lost").as_array().empty()) << answer.out;
}

// ---- what others put on the target

TEST_F(LeftWork, ForeignCommitsOnTheTargetAreSaid)
{
    const auto top = d.repository.top().string();
    const auto answer = run("cd " + top +
                            "; git commit -q --allow-empty -m 'theirs meanwhile'; cd - >/dev/null\n"
                            "echo w >w.txt\n");
    EXPECT_EQ(answer.status, 0) << answer.err;
    ASSERT_EQ(answer.json().at("foreign").as_array().size(), 1u) << answer.out;
    const auto foreign = answer.json().at("foreign").as_array().at(0).as_object();
    EXPECT_EQ(text_in(foreign, "target"), "main");
    EXPECT_EQ(text_in(foreign, "subject"), "theirs meanwhile");
    const auto shown = d.graftline(
        {"run", "t", "--land=rebase", "--",
         d.script("agent", "cd " + top +
                               "; git commit -q --allow-empty -m again; cd - >/dev/null\n"
                               "for i in 1 2; do echo $i >x$i; git add x$i; git commit -qm x$i; done\n")});
    EXPECT_THAT(shown.out,
                AllOf(HasSubstr("others put on its target"), HasSubstr("again"), Not(HasSubstr("x1"))));
}

TEST_F(LeftWork, LandingsAreNoForeignCommits)
{
    for (const std::string& mode : {"--land=merge", "--land=squash", "--land=rebase"}) {
        const auto answer =
            d.graftline({"run", "A", "B", "C", mode, "--json", "--",
                         d.script("agent", "echo w >>$GRAFTLINE_TASK.txt; git add -A; git commit -qm 1\n"
                                           "echo x >>$GRAFTLINE_TASK.txt; git add -A; git commit -qm 2\n")});
        EXPECT_EQ(answer.status, 0) << answer.err;
        EXPECT_TRUE(answer.json().at("foreign").as_array().empty()) << answer.out;
    }
}

} // namespace
} // namespace graftline::test
