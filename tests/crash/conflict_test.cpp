// Two tasks that conflict on a branch that is not their target, the second given back to an agent, killed
// meanwhile.
#include <boost/json/parse.hpp>

#include "tests/crash/twenty_tasks.hpp"
#include "tests/support/processes.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <set>
#include <sstream>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view agent_text = R"(#!/bin/sh
if grep -qs conflict "$GRAFTLINE_FEEDBACK_FILE"; then # not only of an attempt that was interrupted
    echo >"$GRAFTLINE_WORKTREE/../../resolves"
    while test -e "$GRAFTLINE_WORKTREE/../../hold"; do sleep 0.02; done
    printf 'first\nsecond\n' >shared.txt
    exit
fi
echo "$GRAFTLINE_TASK" >shared.txt
test "$GRAFTLINE_TASK" = first && exit
until git log --format=%s integ 2>/dev/null | grep -q first; do sleep 0.02; done
)";

class CrashOfAConflict : public testing::Test {
protected:
    CrashOfAConflict() : agent(base.root() / "resolver")
    {
        write_file(agent, agent_text);
        fs::permissions(agent, fs::perms::owner_all);
    }

    std::vector<std::string> words() const
    {
        return {"run",           "first", "second", "--land", "--into", "integ",
                "--on-conflict", "retry", "--max",  "2",      "--",     agent.string()};
    }

    /// Goes on until there is nothing to go on with; then all of it must be as if nobody had been killed.
    void expect_the_right_end(one_run& run)
    {
        for (int again = 0; again < 5; ++again) {
            const auto went_on = run.graftline({"resume"});
            if (went_on.err.find("there is no run to go on with") != std::string::npos) break;
            EXPECT_EQ(went_on.status, 0) << went_on.err;
        }
        if (run.graftline({"status", "--json", "--all"}).out.find("\"description\"") == std::string::npos)
            EXPECT_EQ(run.graftline(words()).status, 0); // killed before it was on record
        const auto status = run.graftline({"status", "--json", "--all"});
        const auto document = boost::json::parse(status.out);
        ASSERT_EQ(document.at("tasks").as_array().size(), 2u);
        const auto landed = try_git(
            run.top(), {"log", "--first-parent", "--format=%(trailers:key=Task,valueonly)", "main..integ"});
        std::multiset<std::string> ids;
        std::istringstream words(landed.out);
        for (std::string id; words >> id;)
            ids.insert(id);
        EXPECT_EQ(ids.size(), 2u) << landed.out;
        for (const auto& t : document.at("tasks").as_array()) {
            EXPECT_EQ(ids.count(std::string(t.at("id").as_string())), 1u) << "lands once: " << landed.out;
            EXPECT_EQ(t.at("state").as_string(), "merged") << status.out;
            EXPECT_EQ(t.at("target").as_string(), "integ");
            EXPECT_TRUE(t.at("worktree").is_null());
        }
        EXPECT_EQ(try_git(run.top(), {"show", "integ:shared.txt"}).out, "first\nsecond");
        EXPECT_EQ(try_git(run.top(), {"show", "main:shared.txt"}).out, "begin");
    }

    twenty_tasks base;
    fs::path agent;
};

TEST_F(CrashOfAConflict, KilledWhileTheSecondAttemptWorksItIsGoneOnWith)
{
    one_run run(base);
    write_file(run.folder() / "hold", "");
    const auto ended = run.killed_once([&] { return fs::exists(run.folder() / "resolves"); }, words());
    ASSERT_EQ(ended.status, 128 + SIGKILL) << ended.err;
    fs::remove(run.folder() / "hold");
    expect_the_right_end(run);
}

/// Kills at every `stride`th boundary of the journal.
void kill_at_boundaries(const std::function<void(long)>& kill_at, long boundaries, long stride)
{
    for (long at = boundaries; at > 0 && !testing::Test::HasFailure(); at -= stride) {
        SCOPED_TRACE("killed at boundary " + std::to_string(at) + " of " + std::to_string(boundaries));
        kill_at(at);
    }
}

class CrashOfAConflictAtBoundaries : public CrashOfAConflict {
protected:
    /// `kills`: so many of the boundaries; all of them where it is nullopt.
    void sweep(std::optional<long> kills)
    {
        one_run undisturbed(base);
        const auto counted = undisturbed.folder() / "count";
        const auto ended = undisturbed.graftline(
            words(), with_failing_writes({"GRAFTLINE_TEST_COUNT_IN=" + counted.string()}));
        ASSERT_EQ(ended.status, 0) << ended.err;
        const auto boundaries = std::stol(contents_of(counted));
        expect_the_right_end(undisturbed);
        auto kill_at = [&](long at) {
            one_run run(base);
            run.graftline(words(), with_failing_writes({"GRAFTLINE_TEST_KILL_AT=" + std::to_string(at)}));
            expect_the_right_end(run);
        };
        kill_at_boundaries(kill_at, boundaries, kills ? std::max(1L, boundaries / *kills) : 1);
    }
};

TEST_F(CrashOfAConflictAtBoundaries, ItEndsAsIfItHadNotBeen)
{
    sweep(4); // each takes seconds: the soak takes them all
}

TEST_F(CrashOfAConflictAtBoundaries, SoakItEndsAsIfItHadNotBeenAtEachOfThem)
{
    sweep({});
}

} // namespace
} // namespace graftline::test
