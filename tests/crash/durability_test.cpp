// What is flushed to the disk, and when: as `run.durability` says.
#include "tests/crash/twenty_tasks.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace graftline::test {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

class Durability : public testing::Test {
protected:
    /// What was flushed and named while a run went on. The agent's lines stand between.
    std::vector<std::string> lines_of(std::vector<std::string> words, const std::string& durability)
    {
        one_run run(tasks);
        try_git(run.top(), {"branch", "trunk"});
        write_file(run.top() / "graftline.toml", "[run]\ndurability = \"" + durability + "\"\n");
        const auto log = run.folder() / "syncs";
        for (auto& word : words)
            if (const auto at = word.find("LOG"); at != word.npos) word.replace(at, 3, log.string());
        const auto ended =
            run.graftline(std::move(words), with_failing_writes({"GRAFTLINE_TEST_SYNCS_IN=" + log.string()}));
        EXPECT_EQ(ended.status, status) << ended.err;
        std::vector<std::string> lines;
        std::istringstream in(contents_of(log));
        for (std::string line; std::getline(in, line);)
            lines.push_back(line);
        return lines;
    }
    std::vector<std::string> lines_of_landing(const std::string& target, const std::string& durability)
    {
        return lines_of({"run", "One", "--land", "--target", target, "--", "sh", "-c",
                         "echo x > x.txt; echo agent >> 'LOG'"},
                        durability);
    }
    /// These come one after the other, with others between: "sync |/x" begins with "sync " and ends with
    /// "/x".
    static void expect_in_order(const std::vector<std::string>& lines, const std::vector<std::string>& wanted)
    {
        auto at = lines.begin();
        for (const auto& one : wanted) {
            const auto bar = one.find('|');
            const auto begin = one.substr(0, bar), end = bar == one.npos ? one : one.substr(bar + 1);
            at = std::find_if(at, lines.end(), [&](const auto& line) {
                return line.starts_with(begin) && line.ends_with(end);
            });
            if (at == lines.end()) {
                ADD_FAILURE() << one << " is missing in " << testing::PrintToString(lines);
                return;
            }
        }
    }

    longer_hang_limit limit_{std::chrono::seconds(100)};
    twenty_tasks tasks;
    int status = 0;
};

TEST_F(Durability, OfPowerFlushesALandingInOrder)
{
    const auto alone = lines_of_landing("trunk", "power");
    expect_in_order(alone, {"agent", "syncfs |", "sync |/state.db-wal", "name |.idx", "syncfs |",
                            "sync |/state.db-wal", "sync |refs/heads/trunk.lock", "name |refs/heads/trunk",
                            "sync |/refs/heads", "sync |/state.db-wal"});
    const auto followed = lines_of_landing("main", "power"); // checked out: git moves it
    expect_in_order(followed, {"agent", "syncfs |", "name |.idx", "syncfs |", "sync |/state.db-wal",
                               "name |/.git/index", "sync |/x.txt", "name |refs/heads/main",
                               "sync |/refs/heads", "sync |/state.db-wal"});
    expect_in_order(followed, {"agent", "sync |refs/heads/main.lock", "name |refs/heads/main"});
    // No half of a pack ever has a name.
    for (const auto& lines : {alone, followed}) {
        const auto named = std::ranges::find_if(
            lines, [](const auto& line) { return line.starts_with("name ") && line.ends_with(".pack"); });
        ASSERT_NE(named, lines.end());
        const std::vector<std::string> before(lines.begin(), named);
        EXPECT_THAT(before,
                    Contains(AllOf(StartsWith("sync "), HasSubstr("/scratch/pack-"), EndsWith(".pack"))));
        EXPECT_THAT(before,
                    Contains(AllOf(StartsWith("sync "), HasSubstr("/scratch/pack-"), EndsWith(".idx"))));
    }
}

TEST_F(Durability, OfPowerFlushesAWorktreeBeforeItIsReady)
{
    const auto lines = lines_of({"run", "One", "--", "sh", "-c", "echo agent >> 'LOG'"}, "power");
    expect_in_order(lines, {"name |/index", "syncfs |", "sync |/state.db-wal", "agent"});
}

TEST_F(Durability, OfPowerFlushesWhatAnAgentCommittedBeforeItIsCompleted)
{
    const auto lines = lines_of({"run", "One", "--", "sh", "-c",
                                 "echo x > x.txt; git add x.txt; git commit -qm x; echo agent >> 'LOG'"},
                                "power");
    expect_in_order(lines, {"agent", "syncfs |", "sync |/state.db-wal"});
}

TEST_F(Durability, OfPowerFlushesNothingForATaskButWhatIsPromised)
{
    const auto lines =
        lines_of({"run", "One", "--", "sh", "-c", "echo x > x.txt; echo agent >> 'LOG'"}, "power");
    const auto agent = std::ranges::find(lines, "agent");
    ASSERT_NE(agent, lines.end());
    const auto is_of_system = [](const auto& line) { return line.starts_with("syncfs "); };
    const auto is_of_database = [](const auto& line) {
        return line.starts_with("sync ") && line.ends_with("/state.db-wal");
    };
    const auto ready = std::find_if(lines.begin(), agent, is_of_system);
    const auto completed = std::find_if(agent, lines.end(), is_of_system);
    ASSERT_TRUE(ready != agent && completed != lines.end()) << testing::PrintToString(lines);
    EXPECT_EQ(std::ranges::count_if(lines, is_of_system), 2);
    EXPECT_EQ(std::count_if(ready, agent, is_of_database), 1) << "that it is ready";
    EXPECT_EQ(std::count_if(agent, completed, is_of_database), 0) << "what the agent made is not safe yet";
}

TEST_F(Durability, OfPowerFlushesWhatAFailedAgentLeft)
{
    status = 1;
    const auto lines =
        lines_of({"run", "One", "--", "sh", "-c", "echo x > x.txt; echo agent >> 'LOG'; exit 1"}, "power");
    expect_in_order(lines, {"agent", "syncfs |", "sync |/state.db-wal"});
}

TEST_F(Durability, OfPowerFlushesARescueBeforeItsWorktreeGoes)
{
    one_run run(tasks);
    const auto failed = run.graftline({"run", "One", "--", "sh", "-c", "echo x > x.txt; exit 1"});
    EXPECT_EQ(failed.status, 1);
    const auto log = run.folder() / "syncs";
    const auto cleaned =
        run.graftline({"clean", "--force"}, with_failing_writes({"GRAFTLINE_TEST_SYNCS_IN=" + log.string()}));
    EXPECT_EQ(cleaned.status, 0) << cleaned.err;
    std::vector<std::string> lines;
    std::istringstream in(contents_of(log));
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    const auto gone =
        std::ranges::find_if(lines, [](const auto& line) { return line.find("/trash/") != line.npos; });
    ASSERT_NE(gone, lines.end()) << testing::PrintToString(lines);
    const std::vector<std::string> before(lines.begin(), gone);
    const auto ref = std::ranges::find_if(
        before, [](const auto& line) { return line.find("refs/graftline/rescue/") != line.npos; });
    ASSERT_NE(ref, before.end()) << testing::PrintToString(lines);
    EXPECT_THAT(std::vector<std::string>(ref, before.end()), Contains(StartsWith("syncfs ")));
}

// A target that moves every few milliseconds would starve the queue.
TEST_F(Durability, OfProcessesFlushesNothingThatALandingWaitsFor)
{
    for (const std::string target : {"trunk", "main"}) {
        auto lines = lines_of_landing(target, "process");
        lines.erase(lines.begin(), std::ranges::find(lines, "agent"));
        const auto moved = std::ranges::find_if(lines, [&](const auto& line) {
            return line.starts_with("name ") && line.ends_with("refs/heads/" + target);
        });
        ASSERT_NE(moved, lines.end()) << "the target never moved";
        lines.erase(moved, lines.end());
        EXPECT_THAT(lines, testing::Not(Contains(StartsWith("sync")))) << target;
    }
}

} // namespace
} // namespace graftline::test
