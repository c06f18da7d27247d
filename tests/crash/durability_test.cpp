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

using testing::Contains;
using testing::StartsWith;

class Durability : public testing::Test {
protected:
    /// What was flushed and named between the agent's end and the move of the target, the move included.
    std::vector<std::string> before_the_move_of(const std::string& target, const std::string& durability)
    {
        one_run run(tasks);
        try_git(run.top(), {"branch", "trunk"});
        write_file(run.top() / "graftline.toml", "[run]\ndurability = \"" + durability + "\"\n");
        const auto log = run.folder() / "syncs";
        const auto ended = run.graftline({"run", "One", "--land", "--target", target, "--", "sh", "-c",
                                          "echo x > x.txt; echo agent >> '" + log.string() + "'"},
                                         with_failing_writes({"GRAFTLINE_TEST_SYNCS_IN=" + log.string()}));
        EXPECT_EQ(ended.status, 0) << ended.err;
        std::vector<std::string> lines;
        std::istringstream in(contents_of(log));
        for (std::string line; std::getline(in, line);) {
            if (line == "agent") lines.clear();
            lines.push_back(line);
            if (line.starts_with("name ") && line.ends_with("refs/heads/" + target)) return lines;
        }
        ADD_FAILURE() << "the target never moved";
        return {};
    }

    longer_hang_limit limit_{std::chrono::seconds(100)};
    twenty_tasks tasks;
};

TEST_F(Durability, OfPowerFlushesObjectsThenTheIntentThenTheRef)
{
    for (const std::string target : {"trunk", "main"}) { // main is checked out: git moves it
        const auto lines = before_the_move_of(target, "power");
        const auto after = [&](auto from, std::string_view begin, std::string_view end) {
            return std::find_if(from, lines.end(), [&](const auto& line) {
                return line.starts_with(begin) && line.ends_with(end);
            });
        };
        const auto objects = after(lines.begin(), "syncfs ", "/.git/objects");
        const auto intent = after(objects, "sync ", "/state.db-wal");
        const auto ref = after(intent, "sync ", "refs/heads/" + target + ".lock");
        EXPECT_TRUE(objects != lines.end() && intent != lines.end() && ref != lines.end())
            << target << ": " << testing::PrintToString(lines);
    }
}

// A target that moves every few milliseconds would starve the queue.
TEST_F(Durability, OfProcessesFlushesNothingThatALandingWaitsFor)
{
    for (const std::string target : {"trunk", "main"})
        EXPECT_THAT(before_the_move_of(target, "process"), testing::Not(Contains(StartsWith("sync"))))
            << target;
}

} // namespace
} // namespace graftline::test
