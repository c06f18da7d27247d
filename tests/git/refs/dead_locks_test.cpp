#include "graftline/git/refs/dead_locks.hpp"
#include "graftline/git/refs/delete_branch.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/process/child.hpp"

#include <boost/asio/co_spawn.hpp>

#include "tests/support/ordinary_user.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using test::run_here;

class DeadLocks : public testing::Test {
protected:
    DeadLocks()
    {
        base = oid(made.commit_file("a", "a\n"));
        repo = run_here(io, repository::discover(made.top())).value();
        run_here(io, add_worktree(*repo, worktree_request(tree(), "task/one", base).lock("graftline one")))
            .value();
    }
    fs::path tree() const { return made.root() / "trees" / "one"; }
    fs::path record() const { return made.git_folder() / "worktrees" / "one"; }
    fs::path of_branch() const { return made.git_folder() / "refs/heads/task/one.lock"; }
    void drop() { run_here(io, drop_locks_left_in(*repo, tree(), "task/one")).value(); }

    static void leave(const fs::path& lock, std::chrono::milliseconds ago)
    {
        test::write_file(lock, "");
        fs::last_write_time(lock, fs::file_time_type::clock::now() - ago);
    }

    asio::io_context io{1};
    test::test_repository made;
    oid base;
    std::shared_ptr<repository> repo;
};

TEST_F(DeadLocks, OfAWorktreeAndItsBranchAreRemoved)
{
    for (const auto& lock : {record() / "index.lock", record() / "HEAD.lock", of_branch()})
        leave(lock, 1h);
    drop();
    test::write_file(tree() / "b", "b\n");
    made.git_in(tree(), "add", "b");
    made.git_in(tree(), "commit", "-q", "-m", "b");
    EXPECT_FALSE(fs::exists(of_branch()));
}

TEST_F(DeadLocks, AreRemovedOnceTheyAreOldEnough)
{
    leave(record() / "index.lock", 2500ms);
    drop();
    EXPECT_FALSE(fs::exists(record() / "index.lock"));
}

TEST_F(DeadLocks, OfTheUsersOwnCheckoutStay)
{
    leave(made.git_folder() / "index.lock", 1h);
    run_here(io, drop_locks_left_in(*repo, made.top(), "main")).value();
    EXPECT_TRUE(fs::exists(made.git_folder() / "index.lock"));
}

TEST_F(DeadLocks, OfABranchWhoseWorktreeIsGoneIsRemoved)
{
    run_here(io, remove_worktree(*repo, tree(), "graftline one")).value();
    leave(of_branch(), 1h);
    drop();
    EXPECT_TRUE(run_here(io, delete_branch(*repo, "task/one", base)).value());
}

TEST_F(DeadLocks, OfPackedRefsIsRemovedAfterAMinute)
{
    const auto lock = made.git_folder() / "packed-refs.lock";
    leave(lock, 30s);
    drop_dead_packed_refs_lock(*repo);
    EXPECT_TRUE(fs::exists(lock));
    leave(lock, 2min);
    drop_dead_packed_refs_lock(*repo);
    EXPECT_FALSE(fs::exists(lock));
}

TEST_F(DeadLocks, StayWhileAGitWorksThere)
{
    const auto hook = made.git_folder() / "hooks" / "pre-commit";
    const auto gate = made.root() / "gate";
    ASSERT_EQ(::mkfifo(gate.c_str(), 0600), 0);
    test::write_file(hook, "#!/bin/sh\nexec cat '" + gate.string() + "'\n");
    fs::permissions(hook, fs::perms::owner_all);
    test::write_file(tree() / "a", "new\n");
    launch how;
    how.words = {"git", "commit", "-q", "-a", "-m", "slow"};
    how.environment = current_environment();
    how.folder = tree();
    auto slow = child::start(io.get_executor(), how).value();
    const auto lock = record() / "index.lock";
    ASSERT_TRUE(test::soon([&] { return fs::exists(lock); }));
    fs::last_write_time(lock, fs::file_time_type::clock::now() - 1h);
    bool dropped = false;
    asio::co_spawn(io, drop_locks_left_in(*repo, tree(), "task/one"),
                   [&](std::exception_ptr, result<void>) { dropped = true; });
    io.restart();
    io.run_for(500ms); // it has looked by then, more than once
    EXPECT_TRUE(fs::exists(lock));
    std::ofstream(gate) << "go on\n";
    EXPECT_TRUE(run_here(io, slow->wait()) == exit_status(exited{0}));
    io.restart();
    while (!dropped && io.run_one() > 0) {
    }
    EXPECT_TRUE(dropped);
    EXPECT_NE(run_here(io, resolve(*repo, "task/one")).value(), base);
}

// On a shared machine, gits of others always run.
TEST_F(DeadLocks, OfOneUserAreNotHeldByAnothersGit)
{
    if (::geteuid() != 0) GTEST_SKIP() << "only root can act as two users";
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
    const descriptor in(ends[0]), keeps_it_waiting(ends[1]);
    launch how;
    how.words = {"git", "cat-file", "--batch"};
    how.environment = current_environment();
    how.folder = made.top();
    how.in = in.get();
    auto another = child::start(io.get_executor(), how).value();
    EXPECT_EQ(test::run_tests_as_nobody("DeadLocks.*Removed*"), 0);
    EXPECT_TRUE(test::is_running(another->pid()));
}

} // namespace
} // namespace graftline::git
