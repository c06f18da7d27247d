// Worktrees whose folders were moved, deleted or damaged, with their repository or without.
#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class LostWorktree : public testing::Test {
protected:
    LostWorktree() { w.repo.commit_file("shared.txt", "one\n"); }

    /// A task that failed after it had committed on a detached HEAD, with something staged.
    task detached()
    {
        auto t =
            w.run({"detached"}, "git checkout -q --detach; echo d > d.txt; git add d.txt; git commit -qm d;"
                                "echo s > staged.txt; git add staged.txt; exit 4")
                .tasks.at(0);
        EXPECT_EQ(t.state, task_state::failed) << t.reason;
        return t;
    }
    result<task> discard(const std::string& id)
    {
        return w.with([&](std::shared_ptr<project> in) { return discard_task(in, id, false, nobody); });
    }
    run_report retry(const std::string& id)
    {
        return w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
            co_return (co_await retry_tasks(in, {id}, {}, nobody, w.button)).value();
        });
    }
    void expect_saved(const std::string& id)
    {
        const auto ref = "refs/graftline/rescue/" + id + "/1";
        ASSERT_TRUE(w.has(ref));
        EXPECT_EQ(w.repo.git("log", "-1", "--format=%s", ref + "^1"), "d");
        EXPECT_TRUE(w.has(ref + ":staged.txt"));
    }

    test::workshop w;
    observer nobody;
};

/// Remembers what the user is told.
struct notes : observer {
    void note(std::string_view sentence) override { all += std::string(sentence) + "\n"; }
    std::string all;
};

TEST_F(LostWorktree, WhoseBranchWasDeletedIsBackOnItBeforeItsNextAgentStarts)
{
    const auto t = w.run({"twice"}, "git commit -q --allow-empty -m first; test -e again || exit 4;"
                                    "echo x > x.txt; git add x.txt; git commit -qm second")
                       .tasks.at(0);
    const auto first = w.repo.git("rev-parse", t.branch);
    w.repo.git("update-ref", "-d", "refs/heads/" + t.branch);
    test::write_file(fs::path(t.worktree) / "again", "");
    notes told;
    const auto report = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        co_return (co_await retry_tasks(in, {t.id}, {}, told, w.button)).value();
    });
    const auto now = report.tasks.at(0);
    EXPECT_EQ(now.state, task_state::completed) << now.reason;
    EXPECT_EQ(w.repo.git("rev-list", "--max-parents=0", "--count", now.branch), "1");
    EXPECT_EQ(w.repo.git("merge-base", now.branch, first), first) << "what it had committed is not in it";
    EXPECT_THAT(told.all, HasSubstr(t.branch + " of " + t.id + " was gone"));
}

TEST_F(LostWorktree, WhoseFolderIsAwayIsSavedFromGitsRecordBeforeThatGoes)
{
    const auto t = detached();
    fs::rename(t.worktree, w.repo.root() / "away");
    const auto gone = discard(t.id);
    ASSERT_TRUE(gone) << gone.error().message();
    EXPECT_EQ(gone->state, task_state::discarded);
    expect_saved(t.id);
    EXPECT_THAT(gone->rescues, testing::Contains("refs/graftline/rescue/" + t.id + "/1"));
    EXPECT_THAT(w.worktrees(), IsEmpty());
}

TEST_F(LostWorktree, WhoseFolderIsAwayIsMadeAgainForARetry)
{
    const auto t = detached();
    fs::remove_all(t.worktree);
    const auto again = retry(t.id).tasks.at(0);
    EXPECT_THAT(again.reason, HasSubstr("exit status 4")) << "it ran again";
    expect_saved(t.id);
    EXPECT_THAT(w.find(t.id).rescues, testing::Contains("refs/graftline/rescue/" + t.id + "/1"));
}

TEST_F(LostWorktree, WhoseFolderIsAwayIsSavedByCleanAndByLand)
{
    const auto t = detached();
    fs::remove_all(t.worktree);
    ASSERT_TRUE(w.with([&](std::shared_ptr<project> in) { return effects::clean(in, false, true, nobody); }));
    expect_saved(t.id);

    const auto made = w.run({"completes"}, "echo c > c.txt; git add c.txt; git commit -qm c").tasks.at(0);
    w.repo.git_in(made.worktree, "checkout", "-q", "--detach");
    w.repo.git_in(made.worktree, "commit", "-q", "--allow-empty", "-m", "later");
    const auto later = w.repo.git_in(made.worktree, "rev-parse", "HEAD");
    fs::remove_all(made.worktree);
    const auto landed = w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
        co_return (co_await land_tasks(in, {made.id}, {}, nobody, w.button)).value();
    });
    EXPECT_EQ(landed.tasks.at(0).state, task_state::merged) << landed.tasks.at(0).reason;
    EXPECT_THAT(w.worktrees(), IsEmpty());
    EXPECT_EQ(w.repo.git("rev-parse", "refs/graftline/rescue/" + made.id + "/1"), later);
}

TEST_F(LostWorktree, WhoseFolderIsAwayIsNotCommittedByHand)
{
    const auto t =
        w.run({"leaves"}, "echo c > c.txt; git add c.txt; git commit -qm c; echo u > u.txt; exit 4")
            .tasks.at(0);
    const auto away = w.repo.root() / "away";
    fs::rename(t.worktree, away);
    const auto commit = [&] {
        return w.with([&](std::shared_ptr<project> in) {
            return commit_task(in, t.id, "by hand", "feat", "", nobody);
        });
    };
    const auto refused = commit();
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errc::refused));
    EXPECT_THAT(refused.error().message(), HasSubstr(t.worktree));
    EXPECT_EQ(w.find(t.id).state, task_state::failed)
        << "it cannot be landed without what lies in the folder";
    fs::rename(away, t.worktree);
    ASSERT_TRUE(commit());
    EXPECT_TRUE(w.has(t.branch + ":u.txt"));
}

TEST_F(LostWorktree, WhoseDotGitIsGoneIsSavedAndGoneOnWith)
{
    const auto begin = [&] {
        const auto t =
            w.run({"deletes"}, "echo s > staged.txt; git add staged.txt; echo l > left.txt; rm .git; exit 4")
                .tasks.at(0);
        EXPECT_EQ(t.state, task_state::failed) << t.reason;
        EXPECT_FALSE(fs::exists(fs::path(t.worktree) / ".git"));
        return t;
    };
    const auto given_up = begin();
    const auto gone = discard(given_up.id);
    ASSERT_TRUE(gone) << gone.error().message();
    const auto ref = "refs/graftline/rescue/" + given_up.id + "/1";
    EXPECT_TRUE(w.has(ref + ":staged.txt"));
    EXPECT_TRUE(w.has(ref + ":left.txt"));
    EXPECT_FALSE(fs::exists(given_up.worktree));

    const auto again = begin();
    const auto retried = retry(again.id).tasks.at(0);
    EXPECT_THAT(retried.reason, HasSubstr("exit status 4")) << "it ran again";
    EXPECT_TRUE(fs::exists(fs::path(retried.worktree) / "left.txt"));

    const auto replaced = begin();
    fs::rename(replaced.worktree, w.repo.root() / "aside");
    fs::copy(w.repo.root() / "aside", replaced.worktree, fs::copy_options::recursive);
    EXPECT_FALSE(discard(replaced.id)) << "a copy is somebody's";
    EXPECT_TRUE(fs::exists(replaced.worktree + "/left.txt"));
}

TEST_F(LostWorktree, ThatGitMovedIsFollowed)
{
    const auto t = w.run({"moved"}, "echo w > w.txt; exit 4").tasks.at(0);
    const auto there = (w.repo.root() / "else").string();
    w.repo.git("worktree", "unlock", t.worktree);
    w.repo.git("worktree", "move", t.worktree, there);
    const auto again = retry(t.id).tasks.at(0);
    EXPECT_THAT(again.reason, HasSubstr("exit status 4"));
    EXPECT_EQ(again.worktree, there);
    const auto committed = w.with(
        [&](std::shared_ptr<project> in) { return commit_task(in, t.id, "by hand", "feat", "", nobody); });
    ASSERT_TRUE(committed) << committed.error().message();
    EXPECT_TRUE(w.has(t.branch + ":w.txt"));
    const auto other = (w.repo.root() / "other").string();
    w.repo.git("worktree", "move", "-f", "-f", there, other);
    test::write_file(other + "/more.txt", "m\n");
    // What lies where it was does not matter.
    fs::create_directory(there);
    const auto gone = discard(t.id);
    ASSERT_TRUE(gone) << gone.error().message();
    EXPECT_FALSE(fs::exists(other));
    EXPECT_TRUE(fs::exists(there));
    EXPECT_TRUE(w.has("refs/graftline/rescue/" + t.id + "/1:more.txt"));
    EXPECT_THAT(w.branches(), UnorderedElementsAre("main"));
}

TEST_F(LostWorktree, OfARepositoryThatMovedIsFoundAgain)
{
    const auto t = w.run({"moves"}, "echo w > w.txt; exit 4").tasks.at(0);
    const auto left = fs::path(t.worktree).parent_path();
    const auto was = w.repo.top();
    const auto elsewhere = w.repo.root() / "elsewhere";
    fs::create_directories(elsewhere);
    const auto way = left.lexically_relative(w.repo.root());
    fs::rename(was, elsewhere / was.filename());
    fs::rename(left, elsewhere / way);
    asio::io_context io(1);
    const auto gone = test::run_here(io, [](fs::path top, std::string id) -> awaitable<result<task>> {
        auto in = co_await project::open(top);
        if (!in) co_return in.error();
        observer nobody;
        co_return co_await discard_task(*in, id, false, nobody);
    }(elsewhere / was.filename(), t.id));
    ASSERT_TRUE(gone) << gone.error().message();
    EXPECT_FALSE(fs::exists(elsewhere / way / fs::path(t.worktree).filename()));
    const auto ref = "refs/graftline/rescue/" + t.id + "/1:w.txt";
    EXPECT_TRUE(test::try_git(elsewhere / was.filename(), {"cat-file", "-e", ref}).ok);
    fs::rename(elsewhere / was.filename(), was);
}

TEST_F(LostWorktree, APipeNamedAsGitsFilesFailsItsTaskAndKeepsItsWork)
{
    w.defaults.land = land_mode::merge;
    const auto t = w.run({"pipe"}, "mkfifo .gitignore; echo x > x").tasks.at(0);
    EXPECT_EQ(t.state, task_state::failed);
    EXPECT_THAT(t.reason, HasSubstr(".gitignore"));
    EXPECT_TRUE(fs::exists(fs::path(t.worktree) / "x"));
    EXPECT_FALSE(discard(t.id)) << "what could not be saved stays";
    fs::remove(fs::path(t.worktree) / ".gitignore");
    ASSERT_TRUE(discard(t.id));
    EXPECT_TRUE(w.has("refs/graftline/rescue/" + t.id + "/1:x"));
}

TEST_F(LostWorktree, WorkIsNotCommittedWithAnotherTasksFolderOfGits)
{
    w.defaults.land = land_mode::merge;
    const auto report = w.run({"One", "Two"}, R"(
        echo "$GRAFTLINE_TASK" > x
        if [ "$GRAFTLINE_TASK" = One ]; then
            while [ ! -e "$(dirname "$GRAFTLINE_WORKTREE")/copied" ]; do sleep 0.01; done
        else
            while ! cp ../one-*/.git .git 2>/dev/null; do sleep 0.01; done
            touch ../copied
        fi)");
    for (const auto& t : report.tasks) {
        const bool is_one = t.spec.description == "One";
        EXPECT_EQ(t.state, is_one ? task_state::merged : task_state::failed)
            << t.spec.description << t.reason;
        if (!is_one) EXPECT_THAT(t.reason, HasSubstr("names another git folder"));
        if (!is_one) EXPECT_EQ(test::read_file(t.worktree + "/x"), "Two\n");
    }
    EXPECT_EQ(w.repo.git("show", "main:x"), "One");
}

} // namespace
} // namespace graftline::effects
