#include "graftline/effects/radar/overlap_record.hpp"
#include "graftline/effects/radar/radar.hpp"

#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// The agents do as the task's text says: "edit shared.txt" changes its second line.
constexpr const char* edits = R"(set -- $GRAFTLINE_TASK
    case $1 in
    edit) sed -i "2s/.*/by $GRAFTLINE_TASK_ID/" "$2" ;;
    make) echo "$GRAFTLINE_TASK_ID" > "$2" ;;
    esac)";

class Radar : public testing::Test {
protected:
    void SetUp() override
    {
        w.repo.write("shared.txt", "one\ntwo\nthree\n");
        w.repo.write("other.txt", "one\ntwo\nthree\n");
        w.repo.commit("begin");
        w.defaults.land.reset();
    }
    std::vector<task> work(const std::vector<std::string>& descriptions)
    {
        auto report = w.run(descriptions, edits);
        for (const auto& t : report.tasks)
            EXPECT_EQ(t.state, task_state::completed) << t.reason;
        return report.tasks;
    }
    forecast look()
    {
        return w.with([](std::shared_ptr<project> in) -> awaitable<forecast> {
            auto all = co_await in->must_store([](store& s) { return s.tasks(); });
            co_return (co_await forecast_conflicts(*in, std::move(all))).value();
        });
    }
    static std::filesystem::path in(const task& t, const char* name)
    {
        return std::filesystem::path(t.worktree) / name;
    }

    test::workshop w;
};

TEST_F(Radar, NamesThePairsThatMeetAndWhere)
{
    const auto tasks = work({"edit shared.txt", "edit shared.txt", "edit other.txt", "look only"});
    const auto seen = look();
    EXPECT_EQ(seen.tasks, 4u);
    EXPECT_EQ(seen.pairs, 6u) << "a task without changes has nothing to meet others with";
    EXPECT_THAT(seen.not_checked, IsEmpty());
    const overlap expected{tasks[0].id, tasks[1].id, "main", {"shared.txt"}, {"contents"}};
    EXPECT_THAT(seen.overlaps, ElementsAre(expected));
    EXPECT_EQ(to_sentence(expected), tasks[0].id + " and " + tasks[1].id + " will conflict in shared.txt");
}

TEST_F(Radar, ATaskConflictsWithItsTargetAndNotWithThoseThatHaveIt)
{
    const auto before = work({"edit shared.txt"});
    w.repo.commit_file("shared.txt", "one\nlanded\nthree\n");
    const auto after = work({"edit other.txt", "edit shared.txt"});
    const auto seen = look();
    ASSERT_THAT(seen.overlaps, SizeIs(2));
    EXPECT_EQ(seen.overlaps[0].a, before[0].id);
    EXPECT_EQ(seen.overlaps[0].b, "") << "the target";
    EXPECT_EQ(seen.overlaps[1].a, before[0].id);
    EXPECT_EQ(seen.overlaps[1].b, after[1].id) << "both changed it";
}

TEST_F(Radar, UncommittedWorkCountsAndNothingIsTouched)
{
    const auto tasks = work({"edit shared.txt", "make new.txt", "make third.txt"});
    test::write_file(in(tasks[1], "shared.txt"), "one\nunsaved\nthree\n");
    test::write_file(in(tasks[1], "third.txt"), "untracked\n");
    test::write_file(in(tasks[2], "new.txt"), "staged\n");
    w.repo.git_in(tasks[2].worktree, "add", "new.txt");
    test::write_file(in(tasks[2], "unborn.txt"), "x\n");
    std::filesystem::remove(in(tasks[2], "other.txt"));
    const auto index =
        w.repo.git_folder() / "worktrees" / std::filesystem::path(tasks[2].worktree).filename() / "index";
    const auto index_before = test::read_file(index);
    const auto objects_before = w.repo.git("count-objects", "-v");
    const auto status_before = w.repo.git_in(tasks[2].worktree, "status", "--porcelain=v2");

    const auto seen = look();
    EXPECT_THAT(seen.not_checked, IsEmpty());
    ASSERT_THAT(seen.overlaps, SizeIs(2));
    EXPECT_THAT(seen.overlaps[0].paths, ElementsAre("shared.txt"));
    EXPECT_EQ(seen.overlaps[0].b, tasks[1].id);
    EXPECT_THAT(seen.overlaps[1].paths, ElementsAre("new.txt", "third.txt"));
    EXPECT_THAT(seen.overlaps[1].kinds, ElementsAre("contents", "contents"));

    EXPECT_TRUE(test::read_file(index) == index_before);
    EXPECT_EQ(w.repo.git("count-objects", "-v"), objects_before);
    EXPECT_EQ(w.repo.git_in(tasks[2].worktree, "status", "--porcelain=v2"), status_before);
    EXPECT_TRUE(std::filesystem::is_empty(w.repo.git_folder() / "graftline" / "scratch"));
}

TEST_F(Radar, OnlyWhatChangedIsMergedAgain)
{
    const auto tasks = work({"edit shared.txt", "edit other.txt", "make new.txt"});
    w.with([&](std::shared_ptr<project> in_project) -> awaitable<void> {
        radar eyes(*in_project);
        EXPECT_EQ((co_await eyes.look(tasks)).value().merges, 6u);
        EXPECT_EQ((co_await eyes.look(tasks)).value().merges, 0u);
        test::write_file(in(tasks[2], "shared.txt"), "one\nunsaved\nthree\n");
        const auto third = (co_await eyes.look(tasks)).value();
        EXPECT_EQ(third.merges, 3u) << "two pairs and the target";
        EXPECT_THAT(third.overlaps, SizeIs(1));
        test::write_file(in(tasks[2], "shared.txt"), "one\nUNSAVED\nthree\n"); // as long as before
        EXPECT_EQ((co_await eyes.look(tasks)).value().merges, 3u);
        EXPECT_EQ((co_await eyes.look(tasks)).value().merges, 0u);
        w.repo.git_in(tasks[2].worktree, "checkout", "-q", "--", "shared.txt");
        EXPECT_THAT((co_await eyes.look(tasks)).value().overlaps, IsEmpty());
    });
}

TEST_F(Radar, NothingThatTheConfigurationNamesIsRun)
{
    const auto mark = w.repo.root() / "was_run";
    const auto script = w.repo.root() / "driver";
    test::write_file(script, "#!/bin/sh\ntouch " + mark.string() + "\ncat\n");
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    w.repo.commit_file(".gitattributes", "*.big filter=huge\n");
    const auto tasks = work({"make one.txt", "make two.txt"});
    for (const char* key : {"filter.huge.clean", "filter.huge.process", "core.fsmonitor", "core.editor"})
        w.repo.git("config", key, script.string());
    w.repo.git("config", "filter.huge.required", "true");
    const auto hook = w.repo.git_folder() / "hooks" / "post-index-change";
    std::filesystem::create_directories(hook.parent_path());
    std::filesystem::copy_file(script, hook);
    test::write_file(in(tasks[0], "data.big"), "large\n");
    test::write_file(in(tasks[0], "plain.txt"), "plain\n");
    test::write_file(in(tasks[1], "plain.txt"), "other\n");
    const auto seen = look();
    EXPECT_FALSE(std::filesystem::exists(mark));
    EXPECT_THAT(seen.not_checked, ElementsAre(HasSubstr("data.big goes through the filter huge")));
    ASSERT_THAT(seen.overlaps, SizeIs(1));
    EXPECT_THAT(seen.overlaps[0].paths, ElementsAre("plain.txt"));
}

TEST_F(Radar, WhatCannotBeLookedAtIsSaid)
{
    const auto tasks = work({"make one.txt", "make two.txt", "make three.txt"});
    w.with([&](std::shared_ptr<project> in_project) -> awaitable<void> {
        co_await in_project->must_store(
            [&](store& s) { s.change(tasks[0].id, [](task& t) { t.worktree_ready = false; }); });
    });
    w.repo.git("worktree", "unlock", tasks[1].worktree);
    w.repo.git("worktree", "remove", "--force", tasks[1].worktree);
    std::filesystem::create_directory(in(tasks[2], "inner"));
    w.repo.git_in(in(tasks[2], "inner"), "init", "-q");
    test::write_file(in(tasks[2], "inner/file"), "x\n");
    const auto seen = look();
    EXPECT_EQ(seen.tasks, 1u);
    EXPECT_THAT(seen.not_checked, Contains(tasks[0].id + ": its worktree is not ready"));
    EXPECT_THAT(seen.not_checked, Contains(tasks[1].id + ": there is no worktree of this repository"));
    EXPECT_THAT(seen.not_checked, Contains(tasks[2].id + ": inner is a repository of its own"));
}

TEST_F(Radar, TasksThatLandElsewhereDoNotMeet)
{
    work({"edit shared.txt"});
    w.repo.git("branch", "release");
    w.defaults.target = "release";
    work({"edit shared.txt"});
    const auto seen = look();
    EXPECT_EQ(seen.pairs, 2u) << "each with its own target";
    EXPECT_THAT(seen.overlaps, IsEmpty());
}

TEST_F(Radar, ARunTellsAndRecordsWhatItSees)
{
    struct listener : observer {
        stop_button* button = nullptr;
        std::vector<std::string> notes;
        void note(std::string_view sentence) override
        {
            notes.emplace_back(sentence);
            if (sentence.find("will conflict") != sentence.npos) button->press();
        }
    } watcher;
    watcher.button = &w.button;
    w.defaults.command = {"sh", "-c", "echo \"$GRAFTLINE_TASK\" > shared.txt; exec sleep 300"};
    const auto report = w.with([&](std::shared_ptr<project> in_project) -> awaitable<run_report> {
        auto tasks =
            (co_await make_tasks(in_project, {{"first", {}, {}}, {"second", {}, {}}}, w.defaults)).value();
        co_return (co_await run_tasks(in_project, tasks, w.options, watcher, w.button)).value();
    });
    EXPECT_TRUE(report.interrupted);
    EXPECT_THAT(watcher.notes,
                Contains(report.tasks[0].id + " and " + report.tasks[1].id + " will conflict in shared.txt"));
    const auto state = w.repo.git_folder() / "graftline";
    const auto recorded = recorded_overlaps(state, report.tasks);
    ASSERT_THAT(recorded, SizeIs(1));
    EXPECT_THAT(recorded[0].paths, ElementsAre("shared.txt"));
    EXPECT_THAT(recorded_overlaps(state, {report.tasks[0]}), IsEmpty()) << "the other is over";
    EXPECT_TRUE(std::filesystem::is_empty(state / "scratch"));
}

TEST(OverlapRecord, IsReadAsItWasWrittenAndADamagedOneIsNone)
{
    const test::temporary_folder folder;
    task a, b;
    a.id = "a";
    b.id = "b";
    a.branch = b.branch = "x";
    const std::vector<overlap> two{{"a", "b", "main", {"x \n y"}, {"contents"}}, {"a", "", "main", {}, {}}};
    ASSERT_TRUE(record_overlaps(folder.path(), two));
    EXPECT_EQ(recorded_overlaps(folder.path(), {a, b}), two);
    ASSERT_TRUE(record_overlaps(folder.path(), {}));
    ASSERT_TRUE(record_overlaps(folder.path(), {}));
    EXPECT_THAT(recorded_overlaps(folder.path(), {a, b}), IsEmpty());
    test::write_file(folder.path() / "overlaps.json", "{\"overlaps\": [3]}");
    EXPECT_THAT(recorded_overlaps(folder.path(), {a, b}), IsEmpty());
}

} // namespace
} // namespace graftline::effects
