#include "graftline/git/commits/commit.hpp"
#include "graftline/git/commits/make_commit.hpp"
#include "graftline/git/landing/move_target.hpp"
#include "graftline/git/merge/merge.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/repository.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using git::oid;

class racing : public testing::Test {
protected:
    void SetUp() override { isolate_git(); }

    /// The changes of `count` tasks, each a commit on the base: edits, new files and deletions in turn.
    std::vector<oid> tasks(int count)
    {
        for (int n = 0; n < count; ++n)
            if (n % 3 != 1) repo.write(file_of(n), "before\n");
        const std::string base = repo.commit("files of the tasks");
        const fs::path work = repo.root() / "agent";
        repo.git("worktree", "add", "-q", "--detach", work.string());
        std::vector<oid> commits;
        for (int n = 0; n < count; ++n) {
            repo.git_in(work, "reset", "-q", "--hard", base);
            if (n % 3 == 2)
                fs::remove(work / file_of(n));
            else
                write_file(work / file_of(n), "landed\n");
            repo.git_in(work, "add", "-A");
            repo.git_in(work, "commit", "-q", "-m", "task");
            commits.emplace_back(repo.git_in(work, "rev-parse", "HEAD"));
            repo.git("update-ref", "refs/heads/task-" + std::to_string(n), commits.back().hex());
        }
        return commits;
    }
    static std::string file_of(int n) { return "tasks/" + std::to_string(n) + ".txt"; }

    /// Lands one task as the landing queue does. Result: false when the user was faster or it has to wait.
    static awaitable<bool> land(git::repository& into, oid task)
    {
        const oid tip = (co_await git::resolve(into, "refs/heads/main")).value();
        auto merged = (co_await git::merge_commits(into, tip, task)).value();
        EXPECT_TRUE(merged.clean());
        std::vector<oid> parents{tip, task};
        const oid commit = (co_await git::make_commit(into, merged.tree, std::move(parents), "landing",
                                                      git::commit_author(), merged.objects))
                               .value();
        const auto done = co_await git::move_target(into, "main", tip, commit, "graftline: land",
                                                    git::intent_callback(), std::move(merged.objects));
        if (!done) EXPECT_TRUE(done.error().is(errc::moved)) << done.error().message();
        co_return done&& std::holds_alternative<git::moved>(*done);
    }

    test_repository repo;
};

/// A person who commits in the main checkout again and again, until told to stop.
class committing_user {
public:
    explicit committing_user(fs::path top) : top_(std::move(top)), thread_([this] { work(); }) {}
    ~committing_user()
    {
        {
            const std::lock_guard held(mutex_);
            stopped_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }
    int commits() const { return commits_; }

private:
    void work()
    {
        std::minstd_rand random(7);
        std::unique_lock held(mutex_);
        for (int n = 0; !stopped_; ++n) {
            held.unlock();
            write_file(top_ / "user.txt", std::to_string(n) + "\n");
            try_git(top_, {"add", "user.txt"});
            if (try_git(top_, {"commit", "-q", "-m", "user " + std::to_string(n)}).ok) ++commits_;
            held.lock();
            wake_.wait_for(held, std::chrono::milliseconds(random() % 200), [this] { return stopped_; });
        }
    }

    fs::path top_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopped_ = false;
    std::atomic<int> commits_{0};
    std::thread thread_;
};

TEST_F(racing, NoLandingIsRevertedByAUserWhoCommitsAllTheTime) // pain 20, git.md 2
{
    const std::vector<oid> changes = tasks(60);
    std::size_t landed = 0;
    auto body = [&]() -> awaitable<void> {
        auto found = co_await git::repository::discover(repo.top());
        const auto executor = co_await asio::this_coro::executor;
        asio::cancellation_signal stop;
        bool watching = true;
        asio::co_spawn(
            executor, git::keep_index(**found),
            asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) { watching = false; }));
        committing_user user(repo.top());
        for (int tries = 0; landed < changes.size() && tries < 1000; ++tries)
            if (co_await land(**found, changes[landed])) ++landed;
        asio::steady_timer soon(executor);
        while (user.commits() < 6) { // or they never met
            soon.expires_after(std::chrono::milliseconds(5));
            co_await soon.async_wait(use_awaitable);
        }
        stop.emit(asio::cancellation_type::terminal);
        while (watching)
            co_await asio::post(executor, use_awaitable);
    };
    run_here(body());
    ASSERT_EQ(landed, changes.size());
    for (int n = 0; n < static_cast<int>(changes.size()); ++n) {
        const auto there = try_git(repo.top(), {"show", "main:" + file_of(n)});
        if (n % 3 == 2)
            EXPECT_FALSE(there.ok) << file_of(n) << " is back";
        else
            EXPECT_EQ(there.out, "landed") << file_of(n);
    }
    // No commit of the user's holds anything of a landing, in either direction.
    EXPECT_EQ(repo.git("log", "--first-parent", "--grep=^user", "--format=%s", "main", "--", "tasks"), "");
    EXPECT_EQ(
        repo.git("log", "--first-parent", "-m", "--grep=^landing", "--format=%s", "main", "--", "user.txt"),
        "");
    EXPECT_EQ(repo.git("status", "--porcelain", "--untracked-files=no", "tasks"), "");
    EXPECT_EQ(repo.git("fsck", "--no-dangling"), "");
}

} // namespace
} // namespace graftline::test
