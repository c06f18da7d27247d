// A write-ahead log that is lost between two commands: SQLite passes over it without a word.
#include "tests/cli/started_graftline.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>

namespace graftline::test {
namespace {

using testing::HasSubstr;

TEST(lost_changes, tasks_of_a_killed_run_come_back_also_those_that_had_not_begun)
{
    desk d;
    const auto begun = d.repository.root() / "begun";
    const auto agent =
        d.script("agent", "echo half > half.txt; echo > '" + begun.string() + "'; sleep 600\n");
    {
        started_graftline run(d, {"run", "First", "Second of two", "--max", "1", "--land", "--", agent});
        ASSERT_TRUE(eventually([&] { return std::filesystem::exists(begun); })) << run.said();
        EXPECT_EQ(run.end_by(SIGKILL), 137);
    }
    const auto log = d.repository.git_folder() / "graftline/state.db-wal";
    ASSERT_GT(std::filesystem::file_size(log), 0u);
    std::filesystem::resize_file(log, 0);
    std::filesystem::remove(d.repository.git_folder() / "graftline/state.db-shm");

    const auto shown = d.graftline({"status"});
    EXPECT_EQ(shown.status, 3) << shown.out;
    EXPECT_THAT(shown.err, testing::AnyOf(HasSubstr("latest changes"), HasSubstr("is gone")));
    const auto resumed = d.graftline({"resume"});
    EXPECT_NE(resumed.status, 0);
    EXPECT_THAT(resumed.err, HasSubstr("2 tasks were found again"));
    EXPECT_THAT(resumed.err, HasSubstr("graftline retry"));

    const auto tasks = d.graftline({"status", "--json"}).json().at("tasks").as_array();
    ASSERT_EQ(tasks.size(), 2u);
    std::vector<std::string> ids;
    for (const auto& t : tasks) {
        ids.emplace_back(t.at("id").as_string());
        EXPECT_EQ(t.at("state"), t.at("description") == "First" ? "running" : "pending") << t;
        if (t.at("state") == "running") EXPECT_EQ(d.graftline({"cancel", ids.back()}).status, 0);
    }
    d.script("agent", "echo done > $GRAFTLINE_TASK_ID.txt\n");
    const auto retried = d.graftline({"retry", ids[0], ids[1], "--json"});
    EXPECT_EQ(retried.status, 0) << retried.err;
    EXPECT_EQ(retried.json().at("merged"), 2);
    EXPECT_EQ(d.repository.git("show", "main:half.txt"), "half");
}

TEST(lost_changes, an_agent_whose_logs_were_removed_does_not_work_on_beside_the_next_one)
{
    desk d;
    const auto begun = d.repository.root() / "begun";
    const auto mark = "lost-" + d.repository.root().filename().string();
    const auto agent = d.script("agent", "export MARK='" + mark + "'; echo half > half.txt; echo > '" +
                                             begun.string() + "'; sleep 600\n");
    {
        started_graftline run(d, {"run", "Work", "--land", "--", agent});
        ASSERT_TRUE(eventually([&] { return std::filesystem::exists(begun); })) << run.said();
        EXPECT_EQ(run.end_by(SIGKILL), 137);
    }
    std::filesystem::remove_all(d.repository.git_folder() / "graftline/logs");
    std::filesystem::remove(agent);
    d.script("agent", "cat half.txt > seen.txt\n");
    const auto resumed = d.graftline({"resume"});
    EXPECT_EQ(resumed.status, 0) << resumed.err;
    EXPECT_TRUE(soon([&] { return running_with(mark) == 0; })) << "the first one works on";
    EXPECT_THAT(resumed.err, HasSubstr("still worked"));
    const auto task = d.graftline({"status", "--all", "--json"}).json().at("tasks").at(0);
    EXPECT_EQ(task.at("rescues").as_array().size(), 1u) << task;
    EXPECT_EQ(d.repository.git("show", "main:seen.txt"), "half");
}

TEST(lost_changes, tasks_come_back_when_all_that_we_keep_was_removed)
{
    for (const auto& words : std::vector<std::vector<std::string>>{
             {"clean"}, {"resume"}, {"land", "--all"}, {"run", "More", "--", "true"}}) {
        desk d;
        const auto agent = d.script("agent", "echo one > one.txt\n");
        ASSERT_EQ(d.graftline({"run", "One", "--", agent}).status, 0);
        std::filesystem::remove_all(d.repository.git_folder() / "graftline");

        const auto first = d.graftline(words);
        EXPECT_THAT(first.err, HasSubstr("1 task was found again in the repository")) << words[0];
        EXPECT_THAT(first.err, testing::Not(HasSubstr("boot.lock"))) << words[0];
        const auto tasks = d.graftline({"status", "--all", "--json"}).json().at("tasks").as_array();
        EXPECT_TRUE(std::ranges::any_of(tasks, [](const auto& t) {
            return t.at("branch").as_string().starts_with("task/one");
        })) << words[0];
        EXPECT_EQ(d.graftline({"clean"}).status, 0) << words[0];
    }
}

} // namespace
} // namespace graftline::test
