// A git of ours that is killed, as the system does when memory runs out, while graftline lives.
#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;

/// One git of a run is killed: the one with this number, or the first with this word among its arguments.
class KilledGit : public testing::Test {
protected:
    KilledGit()
    {
        w.repo.commit_file("shared.txt", "one\n");
        w.defaults.land = land_mode::merge;
        test::write_file(folder.path() / "git", R"(#!/bin/sh
PATH=$GRAFTLINE_TEST_PATH
kill_me() {
    case $GRAFTLINE_TEST_KILL in
    before) ;;
    locked)
        for folder in "$GRAFTLINE_TEST_RECORDS"/* "$GRAFTLINE_TEST_RECORDS"/..; do true >"$folder/$GRAFTLINE_TEST_LOCK"; done ;;
    after) git "$@" ;;
    esac
    kill -KILL $$
}
set -C # a file is made once
number=1
until { true >"$GRAFTLINE_TEST_CALLS/$number"; } 2>/dev/null; do number=$((number + 1)); done
[ "$number" != "$GRAFTLINE_TEST_NUMBER" ] || kill_me "$@"
for word; do
    if [ "$word" = "$GRAFTLINE_TEST_WORD" ] && { true >"$GRAFTLINE_TEST_CALLS/word"; } 2>/dev/null; then kill_me "$@"; fi
done
exec git "$@"
)");
        fs::permissions(folder.path() / "git", fs::perms::owner_all);
        path = std::getenv("PATH");
        ::setenv("GRAFTLINE_TEST_PATH", path.c_str(), 1);
        ::setenv("GRAFTLINE_TEST_RECORDS", (w.repo.git_folder() / "worktrees").c_str(), 1);
    }
    ~KilledGit() override { ::setenv("PATH", path.c_str(), 1); }

    /// Runs a task while that git is killed; how many gits there were.
    std::size_t run_and_kill(const std::string& how, const std::string& word, std::size_t number)
    {
        const auto calls = folder.path() / ("calls-" + std::to_string(++runs));
        fs::create_directory(calls);
        ::setenv("GRAFTLINE_TEST_CALLS", calls.c_str(), 1);
        ::setenv("GRAFTLINE_TEST_KILL", how.c_str(), 1);
        ::setenv("GRAFTLINE_TEST_WORD", word.c_str(), 1);
        ::setenv("GRAFTLINE_TEST_NUMBER", std::to_string(number).c_str(), 1);
        ::setenv("PATH", (folder.path().string() + ":" + path).c_str(), 1);
        const auto script = "echo made > \"$GRAFTLINE_TASK_ID.txt\"";
        const auto report = w.run({"work " + std::to_string(runs)}, script);
        ::setenv("PATH", path.c_str(), 1);
        const auto which = how + " " + word + " " + std::to_string(number);
        const auto& t = report.tasks.at(0);
        EXPECT_EQ(t.state, task_state::merged) << which << ": " << t.reason;
        EXPECT_TRUE(w.has("main:" + t.id + ".txt")) << which;
        EXPECT_THAT(w.worktrees(), IsEmpty()) << which;
        EXPECT_EQ(w.branches(), std::vector<std::string>{"main"}) << which;
        EXPECT_FALSE(fs::exists(t.worktree)) << which;
        EXPECT_EQ(w.repo.git("status", "--porcelain"), "") << which;
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(calls), {}));
    }

    test::workshop w;
    test::temporary_folder folder;
    std::string path;
    int runs = 0;
};

TEST_F(KilledGit, IsStartedOnceMore)
{
    for (const auto* word : {"rev-parse", "add", "commit", "diff-index", "read-tree"})
        run_and_kill("before", word, 0);
}

TEST_F(KilledGit, MayHaveDoneItsWork)
{
    for (const auto* word : {"add", "commit", "read-tree"})
        run_and_kill("after", word, 0);
}

TEST_F(KilledGit, MayLeaveItsLocks)
{
    ::setenv("GRAFTLINE_TEST_LOCK", "index.lock", 1);
    run_and_kill("locked", "submodule.recurse=false", 0); // read-tree, in the checkout that follows
    ::setenv("GRAFTLINE_TEST_LOCK", "HEAD.lock", 1);
    run_and_kill("locked", "--stdin", 0); // update-ref
}

TEST_F(KilledGit, SoakAtEachOfThem)
{
    for (const auto* how : {"before", "after"})
        for (std::size_t number = 1, calls = 1; number <= calls; ++number)
            if (calls = run_and_kill(how, "", number); HasFailure()) return;
}

} // namespace
} // namespace graftline::effects
