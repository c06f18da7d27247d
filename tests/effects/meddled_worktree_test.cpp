// Worktrees that agents, gates or people did something to that nobody asked for.
#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace graftline::effects {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAre;

class MeddledWorktree : public testing::Test {
protected:
    MeddledWorktree()
    {
        w.repo.commit_file("shared.txt", "one\ntwo\nthree\n");
        w.defaults.land = land_mode::merge;
    }

    static std::map<std::string, std::string> states(const run_report& report)
    {
        std::map<std::string, std::string> by_description;
        for (const auto& t : report.tasks)
            by_description[t.spec.description] = to_string(t.state);
        return by_description;
    }

    test::workshop w;
};

// The agent makes a file of its own, named after its task.
constexpr const char* writes_a_file = R"(printf '%s\n' "$GRAFTLINE_TASK" > "$GRAFTLINE_TASK_ID.txt")";

TEST_F(MeddledWorktree, WhatAnAgentDoesToItsHeadIsBroughtHome)
{
    const auto report = w.run({"detached", "own branch", "deleted branch", "commits itself"}, R"(
        case $GRAFTLINE_TASK in
        detached) git checkout -q --detach; echo d > d.txt; git add d.txt; git commit -qm d ;;
        own*) git checkout -qb mine; echo o > o.txt; git add o.txt; git commit -qm o; echo left > left.txt ;;
        deleted*) echo g > g.txt; git add g.txt; git commit -qm g; git update-ref -d HEAD; echo left > left2.txt ;;
        commits*) echo c > c.txt; git add c.txt; git commit -qm c ;;
        esac)");
    for (const auto& t : report.tasks)
        EXPECT_EQ(t.state, task_state::merged) << t.spec.description << ": " << t.reason;
    for (const auto* file : {"d.txt", "o.txt", "left.txt", "g.txt", "left2.txt", "c.txt"})
        EXPECT_TRUE(w.has(std::string("main:") + file)) << file;
    EXPECT_THAT(w.branches(), UnorderedElementsAre("main", "mine"))
        << "a branch that an agent made is not ours to delete";
}

TEST_F(MeddledWorktree, ThatWasMovedIsFollowedAndOneThatIsGoneIsNotLanded)
{
    const auto report = w.run({"moved", "gone"}, R"(
        echo c > "$GRAFTLINE_TASK-committed.txt"; git add .; git commit -qm c
        echo l > "$GRAFTLINE_TASK-left.txt"
        main=$(git rev-parse --path-format=absolute --git-common-dir)
        git worktree unlock "$GRAFTLINE_WORKTREE"
        cd /
        case $GRAFTLINE_TASK in
        moved) git --git-dir="$main" worktree move "$GRAFTLINE_WORKTREE" "$GRAFTLINE_WORKTREE-moved" ;;
        gone) rm -rf "$GRAFTLINE_WORKTREE" ;;
        esac)");
    EXPECT_EQ(states(report),
              (std::map<std::string, std::string>{{"moved", "merged"}, {"gone", "completed"}}))
        << report.tasks[0].reason << report.tasks[1].reason;
    EXPECT_TRUE(w.has("main:moved-left.txt"));
    EXPECT_FALSE(w.has("main:gone-committed.txt"));
    EXPECT_TRUE(w.has(report.tasks[1].branch + ":gone-committed.txt"));
    EXPECT_THAT(report.tasks[1].reason, HasSubstr("its worktree is gone"));
}

TEST_F(MeddledWorktree, ReplacedBySomethingElseIsNotTouched)
{
    const auto begun = w.run({"fails"}, "echo mine > mine.txt; exit 1").tasks.at(0);
    const std::filesystem::path place = begun.worktree;
    std::filesystem::rename(place, begun.worktree + ".x");
    for (const auto* how : {"another repository", "a link to the checkout", "a folder"}) {
        std::filesystem::path theirs = place;
        const std::string_view what = how;
        if (what.starts_with("a link")) {
            theirs = w.repo.top();
            std::filesystem::create_directory_symlink(theirs, place);
        } else if (what == "a folder")
            std::filesystem::create_directory(place);
        else
            w.repo.git("clone", "-q", "-b", "main", w.repo.top().string(), place.string());
        test::write_file(theirs / "user.txt", "user\n");
        const auto retried = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
            observer nobody;
            co_return (co_await retry_tasks(in, {begun.id}, {}, nobody, w.button)).value();
        });
        EXPECT_EQ(retried.tasks.at(0).state, task_state::failed) << how;
        EXPECT_THAT(retried.tasks.at(0).reason, HasSubstr("not the task's worktree any more")) << how;
        EXPECT_FALSE(std::filesystem::exists(theirs / "mine.txt")) << how;
        EXPECT_EQ(w.repo.git("branch", "--show-current"), "main");
        if (what == "another repository")
            EXPECT_EQ(w.repo.git_in(place, "status", "--porcelain"), "?? user.txt");
        std::filesystem::remove_all(place);
        std::filesystem::remove(w.repo.top() / "user.txt");
    }
}

TEST_F(MeddledWorktree, LocksOfAGitThatAnAgentKilledAreNotInTheWay)
{
    const auto report = w.run({"impatient"}, R"(
        branch=$(git symbolic-ref HEAD)
        touch -d '1 hour ago' $(git rev-parse --git-dir)/index.lock $(git rev-parse --git-path $branch).lock
        echo x > x.txt)");
    EXPECT_EQ(report.tasks[0].state, task_state::merged) << report.tasks[0].reason;
    EXPECT_TRUE(w.has("main:x.txt"));
    EXPECT_THAT(w.branches(), UnorderedElementsAre("main"));
}

TEST_F(MeddledWorktree, TheUsersOwnBranchIsNeverCommittedTo)
{
    w.repo.git("branch", "theirs");
    const auto theirs = w.repo.git("rev-parse", "theirs");
    const auto report = w.run({"strays"}, "git checkout -q theirs && echo x > x.txt");
    EXPECT_EQ(w.repo.git("rev-parse", "theirs"), theirs);
    EXPECT_EQ(report.tasks[0].state, task_state::merged) << report.tasks[0].reason;
}

TEST_F(MeddledWorktree, WhatAnotherTaskHasIgnoredMeanwhileIsStillWork)
{
    const auto report = w.run({"A", "B"}, R"(
        exclude=$(git rev-parse --path-format=absolute --git-common-dir)/info/exclude
        if [ "$GRAFTLINE_TASK" = A ]; then
            while [ ! -e ../b-works ]; do sleep 0.01; done
            echo "docs-*" >> "$exclude"; echo a > a
        else
            touch ../b-works
            while ! grep -q docs "$exclude"; do sleep 0.01; done
            echo P > docs-new.txt; echo b > b
        fi)");
    EXPECT_EQ(states(report), (std::map<std::string, std::string>{{"A", "merged"}, {"B", "merged"}}));
    EXPECT_TRUE(w.has("main:docs-new.txt"));
}

TEST_F(MeddledWorktree, AGateMayDoWhatItLikesInItsCheckout)
{
    w.defaults.gates = {{"sh", "-c", "rm .git; mkdir sub; git init -q sub; echo x > sub/x"}};
    const auto report = w.run({"Gated"}, writes_a_file);
    EXPECT_EQ(report.tasks.front().state, task_state::merged) << report.tasks.front().reason;
    EXPECT_THAT(w.repo.git("worktree", "list"), testing::Not(HasSubstr("scratch")));
}

TEST_F(MeddledWorktree, ABranchWhoseFileAnAgentWroteIntoComesBack)
{
    const auto report = w.run({"garbled"}, R"(
        echo c > c.txt; git add c.txt; git commit -qm c; echo l > left.txt
        echo garbage > "$(git rev-parse --git-common-dir)/refs/heads/$GRAFTLINE_BRANCH")");
    EXPECT_EQ(report.tasks.at(0).state, task_state::merged) << report.tasks.at(0).reason;
    EXPECT_TRUE(w.has("main:c.txt"));
    EXPECT_TRUE(w.has("main:left.txt"));
}

TEST_F(MeddledWorktree, ObjectsThatAnAgentTakesAwayAreSaidInWordsThatHelp)
{
    const auto report = w.run({"takes"}, R"x(
        echo x > x; git add x; git commit -qm x; tree=$(git rev-parse 'HEAD^{tree}')
        rm -rf "$(git rev-parse --git-common-dir)/objects/$(echo "$tree" | cut -c1-2)")x");
    const auto& t = report.tasks.at(0);
    EXPECT_EQ(t.state, task_state::failed);
    EXPECT_EQ(t.reason.find("git "), t.reason.find("git says")) << t.reason;
    EXPECT_THAT(t.reason, HasSubstr("objects that its work stands on went"));
    EXPECT_THAT(t.reason, HasSubstr("graftline retry --fresh " + t.id));
}

TEST_F(MeddledWorktree, AFilterWhoseProgramAnAgentReplacesTakesNoBytes)
{
    const auto program = (w.repo.root() / "clean").string();
    const auto put = [&](const std::string& body) {
        return "printf '#!/bin/sh\\n" + body + "\\n' > '" + program + "'; chmod 700 '" + program + "'; ";
    };
    ASSERT_EQ(std::system(put("exec cat").c_str()), 0);
    w.repo.git("config", "filter.own.clean", program);
    w.repo.commit_file(".gitattributes", "*.bin filter=own\n");
    const auto shortens = put("exec head -c 4");
    const auto makes = std::string("echo \"precious $GRAFTLINE_TASK\" > \"$GRAFTLINE_TASK.bin\"; ");
    const auto held = [&](const task& t) {
        EXPECT_EQ(t.state, task_state::completed) << t.reason;
        EXPECT_THAT(t.reason, HasSubstr("the program of a filter was replaced"));
        ASSERT_EQ(t.rescues.size(), 1u);
        EXPECT_THAT(t.reason, HasSubstr(t.rescues.at(0)));
        const auto file = t.spec.description + ".bin";
        EXPECT_EQ(w.repo.git("show", t.branch + ":" + file), "prec");
        EXPECT_EQ(w.repo.git("show", t.rescues.at(0) + ":" + file), "precious " + t.spec.description);
    };
    held(w.run({"left"}, makes + shortens).tasks.at(0));
    ASSERT_EQ(std::system(put("exec cat").c_str()), 0);
    held(w.run({"own"}, makes + shortens + "git add .; git commit -qm own").tasks.at(0));
    // One that has always done that is the user's own choice.
    const auto same = w.run({"same"}, makes).tasks.at(0);
    EXPECT_EQ(same.state, task_state::merged) << same.reason;
    EXPECT_EQ(w.repo.git("show", "main:same.bin"), "prec");
}

} // namespace
} // namespace graftline::effects
