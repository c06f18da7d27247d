// Landing: the queue with its gates, the modes, conflicts that go back to an agent, undoing.
#include "graftline/effects/operations/operations.hpp"

#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Landing : public testing::Test {
protected:
    Landing() { w.repo.commit_file("shared.txt", "one\ntwo\nthree\n"); }

    std::vector<std::string> ids(const run_report& report) const
    {
        std::vector<std::string> all;
        for (const auto& t : report.tasks)
            all.push_back(t.id);
        return all;
    }

    run_report land_all(const run_report& report, land_options options = {})
    {
        return w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
            observer silent;
            stop_button button;
            co_return (co_await land_tasks(in, ids(report), options, silent, button)).value();
        });
    }

    run_report undo_all(std::vector<std::string> which)
    {
        return w.with([&](std::shared_ptr<project> in) -> awaitable<run_report> {
            observer silent;
            stop_button button;
            co_return (co_await undo_tasks(in, which, {}, silent, button)).value();
        });
    }

    static void set_gate(std::vector<std::vector<std::string>>& gates, const std::string& script)
    {
        gates = {{"sh", "-c", script}};
    }

    std::vector<std::string> states(const run_report& report) const
    {
        std::vector<std::string> all;
        for (const auto& t : report.tasks)
            all.emplace_back(to_string(t.state));
        return all;
    }

    int first_parents() { return std::stoi(w.repo.git("rev-list", "--count", "--first-parent", "main")); }

    test::workshop w;
};

constexpr const char* writes_a_file = R"(printf '%s\n' "$GRAFTLINE_TASK" > "$GRAFTLINE_TASK_ID.txt")";

std::vector<std::string> numbered(int count)
{
    std::vector<std::string> tasks;
    for (int i = 0; i < count; ++i)
        tasks.push_back("task " + std::to_string(i));
    return tasks;
}

TEST_F(Landing, OneBadChangeInTheQueueLeavesTheOthersToLand)
{
    const auto made = w.run(numbered(9), R"(
        printf x > "$GRAFTLINE_TASK_ID.txt"; [ "$GRAFTLINE_TASK" != "task 4" ] || touch broken)");
    land_options options;
    set_gate(options.gates, "test ! -e broken");
    const auto landed = land_all(made, options);
    EXPECT_THAT(states(landed), ElementsAre("merged", "merged", "merged", "merged", "failed", "merged",
                                            "merged", "merged", "merged"));
    EXPECT_TRUE(landed.incomplete);
    EXPECT_THAT(landed.tasks[4].reason, HasSubstr("gate failed"));
    EXPECT_FALSE(w.has("main:broken"));
    EXPECT_EQ(first_parents(), 1 + 8) << "shared.txt, one merge each";
    EXPECT_EQ(w.repo.git("status", "--porcelain"), "");
    EXPECT_EQ(w.repo.git("fsck", "--no-dangling", "--no-progress"), "");
}

/// As a bug in what watches, or a file system that throws, would come.
class throws_while_landing : public observer {
    void doing(const std::string&, std::string_view what) override
    {
        if (what.starts_with("landing on")) throw std::runtime_error("something else");
    }
    void note(std::string_view sentence) override { notes.emplace_back(sentence); }

public:
    std::vector<std::string> notes;
};

TEST_F(Landing, WhatThrowsInTheQueueIsToldToAllWhoWaitInIt)
{
    const auto made = w.run(numbered(3), writes_a_file);
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        throws_while_landing watcher;
        stop_button button;
        const auto report = co_await land_tasks(in, ids(made), {}, watcher, button); // or it hangs
        EXPECT_TRUE(report);
        if (!report) co_return;
        EXPECT_THAT(states(*report), Each("completed"));
        EXPECT_THAT(watcher.notes, testing::Contains(HasSubstr("something else")).Times(3));
    });
    const auto landed = land_all(made);
    EXPECT_THAT(states(landed), Each("merged"));
}

TEST_F(Landing, GatesOfSeveralRunAtTheSameTime)
{
    // Each gate waits until it sees another one at work: one after the other they would never pass.
    const auto made = w.run(numbered(2), writes_a_file);
    const auto meeting = w.repo.git_folder() / "meeting";
    std::filesystem::create_directory(meeting);
    land_options options;
    set_gate(options.gates, "cd '" + meeting.string() + R"(' && mktemp here.XXXXXX >/dev/null
        for i in $(seq 5000); do [ $(ls | wc -l) -ge 2 ] && exit 0; sleep 0.01; done; exit 1)");
    EXPECT_THAT(states(land_all(made, options)), Each(std::string("merged")));
}

TEST_F(Landing, AVerdictIsNotComputedTwice)
{
    const auto made = w.run({"only one"}, writes_a_file);
    const auto counter = w.repo.git_folder() / "counter";
    land_options options;
    set_gate(options.gates, "echo x >> '" + counter.string() + "'; exit 1");
    const auto once = land_all(made, options);
    EXPECT_THAT(states(once), ElementsAre("failed"));
    const auto twice = land_all(made, options);
    EXPECT_THAT(states(twice), ElementsAre("failed"));
    EXPECT_THAT(twice.tasks[0].reason, HasSubstr("as before on the same files"));
    EXPECT_EQ(test::read_file(counter), "x\n");
    options.test_again = true;
    land_all(made, options);
    EXPECT_EQ(test::read_file(counter), "x\nx\n");
}

TEST_F(Landing, SharedGatesAreTakenApartUntilTheBadOneIsFound)
{
    w.repo.write("graftline.toml", "[gate]\nshare = true\n");
    const auto made = w.run(numbered(6), R"(
        mkdir "$GRAFTLINE_TASK_ID"; printf x > "$GRAFTLINE_TASK_ID/x"
        [ "$GRAFTLINE_TASK" != "task 2" ] || touch "$GRAFTLINE_TASK_ID/broken")");
    const auto counter = w.repo.git_folder() / "counter";
    land_options options;
    set_gate(options.gates, "echo x >> '" + counter.string() + "'; ! ls */broken 2>/dev/null");
    const auto landed = land_all(made, options);
    EXPECT_THAT(states(landed), ElementsAre("merged", "merged", "failed", "merged", "merged", "merged"));
    EXPECT_THAT(w.repo.git("ls-tree", "-r", "--name-only", "main"), Not(HasSubstr("broken")));
}

TEST_F(Landing, RebaseReplaysEachCommitWithoutAMerge)
{
    const auto made = w.run({"two commits"}, R"(
        echo a > a.txt; git add -A; git -c user.name=Agent -c user.email=a@x.y commit -qm 'first step'
        echo b > b.txt; git add -A; git -c user.name=Agent -c user.email=a@x.y commit -qm 'second step')");
    w.repo.commit_file("meanwhile.txt", "somebody else\n");
    land_options options;
    options.mode = land_mode::rebase;
    const auto landed = land_all(made, options);
    ASSERT_THAT(states(landed), ElementsAre("merged"));
    EXPECT_EQ(w.repo.git("log", "--format=%s %an", "-3", "main"),
              "second step Agent\nfirst step Agent\n" + w.repo.git("log", "-1", "--format=%s %an", "main~2"));
    EXPECT_EQ(w.repo.git("rev-list", "--merges", "main"), "");
    EXPECT_EQ(w.repo.read("meanwhile.txt"), "somebody else\n");
}

TEST_F(Landing, IntoLandsOnABranchMadeFromTheTarget)
{
    const auto made = w.run({"a task"}, writes_a_file);
    const auto before = w.repo.git("rev-parse", "main");
    land_options options;
    options.into = "integration";
    const auto landed = land_all(made, options);
    ASSERT_THAT(states(landed), ElementsAre("merged"));
    EXPECT_EQ(target_of(landed.tasks[0]), "integration");
    EXPECT_EQ(w.repo.git("rev-parse", "main"), before);
    EXPECT_TRUE(w.has("integration:" + made.tasks[0].id + ".txt"));
}

TEST_F(Landing, FastForwardMakesNoCommitWhereItIsAllowed)
{
    w.repo.write("graftline.toml", "[landing]\nfast_forward = true\n");
    const auto made = w.run({"a task"}, writes_a_file);
    const auto landed = land_all(made);
    ASSERT_THAT(states(landed), ElementsAre("merged"));
    EXPECT_EQ(landed.tasks[0].landed, made.tasks[0].commit);
    EXPECT_EQ(w.repo.git("rev-parse", "main"), made.tasks[0].commit);
}

TEST_F(Landing, AConflictGoesBackToAnAgentInAFreshWorktree)
{
    w.options.max = 1;
    w.defaults.land = land_mode::merge;
    w.defaults.on_conflict = conflict_policy::retry;
    w.defaults.base = w.repo.git("rev-parse", "main");
    const auto report = w.run({"left", "right"}, R"(
        if [ -n "$GRAFTLINE_FEEDBACK_FILE" ]; then
            cp "$GRAFTLINE_FEEDBACK_FILE" feedback.txt
            printf 'one\nleft and right\nthree\n' > shared.txt
        else
            sed -i "s/two/$GRAFTLINE_TASK/" shared.txt; echo x > "$GRAFTLINE_TASK.txt"
        fi)");
    ASSERT_THAT(states(report), ElementsAre("merged", "merged"));
    EXPECT_EQ(w.repo.read("shared.txt"), "one\nleft and right\nthree\n");
    EXPECT_TRUE(w.has("main:right.txt")) << "its earlier change came along";
    EXPECT_THAT(w.repo.read("feedback.txt"), HasSubstr("shared.txt (contents)"));
    EXPECT_EQ(report.tasks[1].attempts, 2);
    EXPECT_THAT(report.tasks[1].rescues, Not(IsEmpty())) << "the first attempt's commit is safe";
    EXPECT_THAT(w.branches(), ElementsAre("main"));
    EXPECT_THAT(w.worktrees(), IsEmpty());
}

TEST_F(Landing, AnAgentThatLeavesConflictMarkersDoesNotLand)
{
    w.options.max = 1;
    w.defaults.land = land_mode::merge;
    w.defaults.on_conflict = conflict_policy::retry;
    w.defaults.base = w.repo.git("rev-parse", "main");
    const auto report = w.run({"left", "right"}, R"(
        [ -n "$GRAFTLINE_FEEDBACK_FILE" ] || sed -i "s/two/$GRAFTLINE_TASK/" shared.txt)");
    ASSERT_THAT(states(report), ElementsAre("merged", "failed"));
    EXPECT_THAT(report.tasks[1].reason, HasSubstr("conflict markers in shared.txt"));
    EXPECT_THAT(test::read_file(std::filesystem::path(report.tasks[1].worktree) / "shared.txt"),
                HasSubstr("<<<<<<<"));
    EXPECT_EQ(w.repo.read("shared.txt"), "one\nleft\nthree\n");
}

TEST_F(Landing, UndoTakesBackAndLandingAgainBringsBack)
{
    w.defaults.land = land_mode::merge;
    const auto made = w.run({"first", "second"}, writes_a_file);
    ASSERT_THAT(states(made), ElementsAre("merged", "merged"));
    const auto first = made.tasks[0];
    const auto undone = undo_all({first.id});
    ASSERT_THAT(states(undone), ElementsAre("completed"));
    EXPECT_FALSE(undone.incomplete);
    EXPECT_FALSE(w.has("main:" + first.id + ".txt"));
    EXPECT_TRUE(w.has("main:" + made.tasks[1].id + ".txt"));
    EXPECT_THAT(w.repo.git("log", "-1", "--format=%B", "main"),
                HasSubstr("This reverts commit " + first.landed));
    EXPECT_EQ(w.repo.git("status", "--porcelain"), "") << "the checkout has followed";

    const auto again = land_all(undone);
    ASSERT_THAT(states(again), ElementsAre("merged"));
    EXPECT_TRUE(w.has("main:" + first.id + ".txt"));
    EXPECT_EQ(again.tasks[0].undone, "");
}

TEST_F(Landing, UndoOfWhatTheTargetHadAlreadyIsRefused)
{
    w.defaults.land = land_mode::merge;
    const auto report = w.run({"one", "two"}, "echo same > same.txt");
    EXPECT_THAT(states(report), Each("merged"));
    const auto nothing =
        std::ranges::find_if(report.tasks, [](const task& t) { return t.landed_on.empty(); });
    ASSERT_NE(nothing, report.tasks.end());
    w.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        observer silent;
        stop_button button;
        const std::vector<std::string> which{nothing->id};
        const auto undone = co_await undo_tasks(in, which, {}, silent, button);
        EXPECT_TRUE(undone.has_error() && undone.error().is(errc::refused));
        if (undone.has_error()) {
            EXPECT_THAT(undone.error().message(), HasSubstr("had its changes already"));
        }
    });
}

TEST_F(Landing, WhatTheTargetHadAlreadyLandsOnceThatIsUndone)
{
    const auto made = w.run(numbered(2), "echo same > same.txt");
    const auto landed = land_all(made);
    ASSERT_THAT(states(landed), Each(std::string("merged")));
    const auto& [first, second] = std::pair(landed.tasks[0], landed.tasks[1]);
    ASSERT_NE(first.landed_on.empty(), second.landed_on.empty());
    const auto& brought = first.landed_on.empty() ? second : first;
    const auto& had = first.landed_on.empty() ? first : second;
    undo_all({brought.id});
    ASSERT_FALSE(w.has("main:same.txt"));
    run_report again;
    again.tasks = {had};
    const auto relanded = land_all(again);
    EXPECT_THAT(states(relanded), ElementsAre("merged")) << relanded.tasks[0].reason;
    EXPECT_FALSE(relanded.tasks[0].landed_on.empty());
    EXPECT_EQ(w.repo.git("show", "main:same.txt"), "same");
}

TEST_F(Landing, ThatWaitsNamesTheFilesInItsWay)
{
    const auto made = w.run(numbered(1), "echo theirs > mine.txt");
    test::write_file(w.repo.top() / "mine.txt", "mine\n");
    const auto landed = land_all(made);
    EXPECT_THAT(landed.tasks[0].reason, testing::AllOf(HasSubstr("landing waits"), HasSubstr("mine.txt")));
}

TEST_F(Landing, UndoOfWhatOthersHaveBuiltOnIsRefusedWithThePaths)
{
    w.defaults.land = land_mode::merge;
    const auto made = w.run({"change it"}, "sed -i 's/two/TWO/' shared.txt");
    w.repo.commit_file("shared.txt", "one\nTWO and more\nthree\n");
    const auto before = w.repo.git("rev-parse", "main");
    const auto undone = undo_all({made.tasks[0].id});
    EXPECT_THAT(states(undone), ElementsAre("merged"));
    EXPECT_TRUE(undone.incomplete);
    EXPECT_THAT(undone.tasks[0].reason, HasSubstr("shared.txt"));
    EXPECT_EQ(w.repo.git("rev-parse", "main"), before);
}

TEST_F(Landing, AStaleCopyOverWhatLandedMeanwhileIsRefusedWithTheLines)
{
    const auto made = w.run({"stale"}, "echo mine > mine.txt");
    const auto stale = made.tasks[0];
    w.repo.commit_file("shared.txt", "one\ntwo\nthree\na fix that landed\n");
    // As agents do it: the new target as parent, the old files as contents.
    w.repo.git_in(stale.worktree, "reset", "-q", "--soft", "main");
    w.repo.git_in(stale.worktree, "commit", "-qam", "squashed");
    const auto before = w.repo.git("rev-parse", "main");
    const auto refused = land_all(made);
    ASSERT_THAT(states(refused), ElementsAre("conflicted"));
    EXPECT_THAT(refused.tasks[0].reason, HasSubstr("+a fix that landed"));
    EXPECT_THAT(refused.tasks[0].conflicts, ElementsAre("shared.txt"));
    EXPECT_EQ(w.repo.git("rev-parse", "main"), before);

    land_options meant;
    meant.may_undo = true;
    EXPECT_THAT(states(land_all(made, meant)), ElementsAre("merged"));
}

TEST_F(Landing, WhatIsReadyTogetherMovesTheCheckoutOnce)
{
    const auto made = w.run(numbered(6), writes_a_file);
    const auto moves = [&] { return std::stoi(w.repo.git("rev-list", "--count", "-g", "main")); };
    const auto before = moves();
    const auto landed = land_all(made);
    EXPECT_THAT(states(landed), Each(std::string("merged")));
    EXPECT_LT(moves() - before, 6);
    EXPECT_EQ(w.repo.git("status", "--porcelain"), "");
}

} // namespace
} // namespace graftline::effects
