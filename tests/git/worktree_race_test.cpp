#include "graftline/git/repository/repository.hpp"
#include "graftline/git/worktree/worktree.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Adds or removes `count` worktrees all at once; gives how many failed.
class crowd {
public:
    crowd(const test::test_repository& made, std::string name, int count)
        : trees_(made.root() / "trees"), name_(std::move(name)), count_(count)
    {
        repo_ = test::run_here(io_, repository::discover(made.top())).value();
    }
    int add(const oid& base)
    {
        for (int at = 0; at < count_; ++at)
            start(add_worktree(
                *repo_,
                worktree_request(trees_ / call(at), "task/" + call(at), base).lock("graftline " + call(at))));
        return wait();
    }
    int remove()
    {
        for (int at = 0; at < count_; ++at)
            start(remove_worktree(*repo_, trees_ / call(at), "graftline " + call(at)));
        return wait();
    }

private:
    std::string call(int at) const { return name_ + std::to_string(at); }
    void start(awaitable<result<void>> work)
    {
        asio::co_spawn(io_, std::move(work), [this](std::exception_ptr e, result<void> done) {
            failures_ += e || !done;
            if (!e && !done) fprintf(stderr, "%s\n", done.error().message().c_str());
        });
    }
    int wait()
    {
        test::run_guarded(io_);
        return std::exchange(failures_, 0);
    }

    asio::io_context io_{1};
    std::shared_ptr<repository> repo_;
    fs::path trees_;
    std::string name_;
    int count_;
    int failures_ = 0;
};

void fill(const test::test_repository& made, int files)
{
    for (int at = 0; at < files; ++at)
        made.write("folder" + std::to_string(at % 10) + "/file" + std::to_string(at), std::string(200, 'x'));
    made.commit("Files");
}

TEST(WorktreeRace, SixtyFourFromTwoProcessesNeverFail)
{
    test::test_repository made;
    fill(made, 100);
    const oid base(made.git("rev-parse", "HEAD"));
    // Two processes, each with a context of its own; the child leaves without running the test's own ending.
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        crowd other(made, "child", 32);
        _exit(other.add(base) + other.remove());
    }
    crowd own(made, "parent", 32);
    EXPECT_EQ(own.add(base), 0);
    EXPECT_EQ(own.remove(), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    EXPECT_EQ(made.git("worktree", "list", "--porcelain").find("task/"), std::string::npos);
    EXPECT_FALSE(fs::exists(made.root() / "trees"));
    EXPECT_EQ(made.git("fsck"), "");
}

TEST(WorktreeRace, OthersGitProcessesDoNotMakeItFail)
{
    test::test_repository made;
    fill(made, 20);
    const oid base(made.git("rev-parse", "HEAD"));
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        // Somebody who knows nothing of our lock, and whose own failures are not our matter.
        for (int at = 0; at < 25; ++at) {
            const std::string name = "foreign" + std::to_string(at);
            test::try_git(made.top(), {"worktree", "add", "--quiet", "-b", name, "../" + name});
            test::try_git(made.top(), {"branch", "--set-upstream-to=main", name});
            test::try_git(made.top(), {"worktree", "prune"});
            test::try_git(made.top(), {"pack-refs", "--all"});
            test::try_git(made.top(), {"worktree", "remove", "--force", "../" + name});
        }
        _exit(0);
    }
    crowd own(made, "ours", 40);
    EXPECT_EQ(own.add(base), 0);
    EXPECT_EQ(own.remove(), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(made.git("fsck"), "");
}

TEST(WorktreeRace, OnePlaceIsGivenOnce)
{
    test::test_repository made;
    fill(made, 5);
    const oid base(made.git("rev-parse", "HEAD"));
    asio::io_context io(1);
    auto repo = test::run_here(io, repository::discover(made.top())).value();
    int won = 0, lost = 0;
    for (int at = 0; at < 8; ++at) {
        asio::co_spawn(
            io,
            add_worktree(*repo,
                         worktree_request(made.root() / "same", "task/same", base).lock("graftline s")),
            [&](std::exception_ptr e, result<void> done) {
                ASSERT_FALSE(e);
                won += done.has_value();
                lost += !done && done.error().is(errc::exists);
            });
    }
    test::run_guarded(io);
    EXPECT_EQ(won, 1);
    EXPECT_EQ(lost, 7);
    EXPECT_EQ(made.git_in(made.root() / "same", "status", "--porcelain"), "");
}

} // namespace
} // namespace graftline::git
