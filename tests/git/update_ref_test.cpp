#include "graftline/git/refs/refs.hpp"
#include "graftline/git/refs/write_ref_direct.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/runtime/async/parallel.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <thread>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using git::oid;
using testing::HasSubstr;

class writing : public testing::Test {
protected:
    void SetUp() override
    {
        isolate_git();
        first = oid(repo.commit_file("a.txt", "a\n"));
        second = oid(repo.commit_file("a.txt", "b\n"));
        repo.git("branch", "target", first.hex());
    }
    /// What was done without git: true, done; false, left to git.
    result<bool> directly(const std::string& ref, const oid& to, const oid& expected)
    {
        auto body = [](fs::path top, std::string name, oid new_value, oid old) -> awaitable<result<bool>> {
            auto found = co_await git::repository::discover(top);
            co_return co_await git::write_ref_direct(**found, name, new_value, old, "graftline: test");
        };
        return run_here(body(repo.top(), ref, to, expected));
    }
    result<bool> deleted_directly(const std::string& ref, const oid& expected)
    {
        auto body = [](fs::path top, std::string name, oid old) -> awaitable<result<bool>> {
            auto found = co_await git::repository::discover(top);
            co_return co_await git::delete_ref_direct(**found, name, old);
        };
        return run_here(body(repo.top(), ref, expected));
    }
    result<void> update(const std::string& ref, const oid& to, const oid& expected)
    {
        auto body = [](fs::path top, std::string name, oid new_value, oid old) -> awaitable<result<void>> {
            auto found = co_await git::repository::discover(top);
            co_return co_await git::update_ref(**found, name, new_value, old, "graftline: test");
        };
        return run_here(body(repo.top(), ref, to, expected));
    }
    fs::path lock_of(const std::string& branch) const
    {
        return repo.git_folder() / "refs/heads" / (branch + ".lock");
    }
    bool is_clean() const // no note of ours stays
    {
        std::error_code none;
        return fs::directory_iterator(repo.git_folder() / "graftline/ref-writes", none) ==
               fs::directory_iterator();
    }

    test_repository repo;
    oid first, second;
};

TEST_F(writing, MovesABranchAndItsReflogAsGitDoes)
{
    const auto done = directly("refs/heads/target", second, first);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_TRUE(*done);
    EXPECT_EQ(repo.git("rev-parse", "target"), second.hex());
    EXPECT_EQ(repo.git("reflog", "-1", "--format=%H|%gn|%ge|%gs", "target"),
              second.hex() + "|Test Person|test@example.org|graftline: test");
    EXPECT_FALSE(fs::exists(lock_of("target")));
    EXPECT_TRUE(is_clean());
    EXPECT_EQ(repo.git("fsck", "--no-dangling"), "");
}

TEST_F(writing, MovesOneThatIsPackedOnly)
{
    repo.git("pack-refs", "--all");
    EXPECT_TRUE(directly("refs/heads/target", second, first).value());
    EXPECT_EQ(repo.git("rev-parse", "target"), second.hex());
    const auto moved = directly("refs/heads/target", second, first);
    ASSERT_FALSE(moved);
    EXPECT_TRUE(moved.error().is(errc::moved));
}

TEST_F(writing, ChangesNothingWhenItHoldsSomethingElse)
{
    for (const oid& wrong : {second, oid()}) { // the null id: it must not exist
        const auto done = directly("refs/heads/target", second, wrong);
        ASSERT_FALSE(done);
        EXPECT_TRUE(done.error().is(errc::moved));
    }
    const auto gone = directly("refs/heads/other", second, first);
    ASSERT_FALSE(gone);
    EXPECT_TRUE(gone.error().is(errc::moved));
    EXPECT_EQ(repo.git("rev-parse", "target"), first.hex());
    EXPECT_EQ(repo.git("reflog", "target"), repo.git("reflog", "-1", "target"));
    EXPECT_TRUE(is_clean());
}

TEST_F(writing, MakesARefWithNewFolders)
{
    EXPECT_TRUE(directly("refs/graftline/rescue/7/1", second, oid()).value());
    EXPECT_EQ(repo.git("rev-parse", "refs/graftline/rescue/7/1"), second.hex());
}

TEST_F(writing, LeavesToGitWhatOnlyGitDoesRight)
{
    // In the way of each other: git has the words.
    EXPECT_FALSE(directly("refs/heads/target/x", second, oid()).value());
    const auto in_the_way = update("refs/heads/target/x", second, oid());
    ASSERT_FALSE(in_the_way);
    EXPECT_TRUE(in_the_way.error().is(errc::exists));
    // Of a worktree alone.
    EXPECT_FALSE(directly("refs/worktree/x", second, oid()).value());
    EXPECT_FALSE(directly("HEAD", second, first).value());
    // A ref to a ref.
    repo.git("symbolic-ref", "refs/heads/alias", "refs/heads/target");
    EXPECT_FALSE(directly("refs/heads/alias", second, first).value());
    ASSERT_TRUE(update("refs/heads/alias", second, first));
    EXPECT_EQ(repo.git("rev-parse", "target"), second.hex());
    EXPECT_EQ(repo.git("symbolic-ref", "refs/heads/alias"), "refs/heads/target");
    // An object that is not there.
    EXPECT_FALSE(directly("refs/heads/target", oid(std::string(40, '7')), second).value());
    EXPECT_TRUE(is_clean());
}

TEST_F(writing, DeletesABranchAndItsReflogAsGitDoes)
{
    repo.git("branch", "task/one", first.hex());
    EXPECT_TRUE(deleted_directly("refs/heads/task/one", first).value());
    EXPECT_FALSE(try_git(repo.top(), {"rev-parse", "--verify", "-q", "task/one"}).ok);
    EXPECT_FALSE(fs::exists(repo.git_folder() / "logs/refs/heads/task"));
    EXPECT_FALSE(fs::exists(repo.git_folder() / "refs/heads/task"));
    EXPECT_TRUE(is_clean());
}

TEST_F(writing, DeletesNothingThatHoldsSomethingElseOrIsGitsToDelete)
{
    EXPECT_TRUE(deleted_directly("refs/heads/target", second).error().is(errc::moved));
    repo.git("symbolic-ref", "refs/heads/alias", "refs/heads/target");
    EXPECT_FALSE(deleted_directly("refs/heads/alias", first).value());
    EXPECT_FALSE(deleted_directly("refs/heads/nobody", first).value());
    repo.git("pack-refs", "--all");
    EXPECT_FALSE(deleted_directly("refs/heads/target", first).value());
    EXPECT_EQ(repo.git("rev-parse", "target"), first.hex());
}

TEST_F(writing, HasGitRunTheHookThatWatchesRefs)
{
    for (const bool configured : {false, true}) {
        const fs::path folder = configured ? repo.top() / ".hooks" : repo.git_folder() / "hooks";
        const fs::path seen = repo.root() / "seen";
        fs::remove(seen);
        write_file(folder / "reference-transaction", "#!/bin/sh\ncat >>" + seen.string() + "\n");
        fs::permissions(folder / "reference-transaction", fs::perms::owner_all);
        if (configured) {
            fs::remove(repo.git_folder() / "hooks/reference-transaction");
            repo.git("config", "core.hooksPath", ".hooks");
        }
        const auto name = std::string("refs/heads/new") + (configured ? "2" : "1");
        EXPECT_FALSE(directly(name, second, oid()).value());
        ASSERT_TRUE(update(name, second, oid()));
        EXPECT_THAT(read_file(seen), HasSubstr(second.hex() + " " + name));
    }
}

TEST_F(writing, WaitsForALockThatSomebodyHolds)
{
    write_file(lock_of("target"), "");
    EXPECT_FALSE(directly("refs/heads/target", second, first).value());
    auto body = [&]() -> awaitable<result<void>> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        auto free_it = [&]() -> awaitable<result<void>> {
            asio::steady_timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(150));
            co_await timer.async_wait(use_awaitable);
            fs::remove(lock_of("target"));
            co_return result<void>();
        };
        std::vector<awaitable<result<void>>> both;
        both.push_back(git::update_ref(*found, "refs/heads/target", second, first, "m"));
        both.push_back(free_it());
        auto outcomes = co_await parallel::all(std::move(both));
        co_return outcomes[0].value();
    };
    const auto done = run_here(body());
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_EQ(repo.git("rev-parse", "target"), second.hex());
}

TEST_F(writing, FreesWhatADeadProcessOfOursLeftLocked)
{
    const fs::path note = repo.git_folder() / "graftline/ref-writes/abcdef";
    const auto leave = [&](const std::string& text) {
        write_file(lock_of("target"), text);
        write_file(note, lock_of("target").string() + "\n" + second.hex() + "\nend\n");
    };
    leave("");
    EXPECT_TRUE(directly("refs/heads/target", second, first).value());
    leave(second.hex() + "\n");
    EXPECT_TRUE(directly("refs/heads/target", first, second).value());
    // Somebody else's: he writes another value.
    leave(first.hex() + "\n");
    EXPECT_FALSE(directly("refs/heads/target", second, first).value());
    EXPECT_TRUE(fs::exists(lock_of("target")));
    EXPECT_TRUE(is_clean());
    // A note that was taken back names no lock, whatever it said before.
    write_file(note, "\n" + lock_of("target").string().substr(1) + "\n" + first.hex() + "\nend\n");
    EXPECT_FALSE(directly("refs/heads/target", second, first).value());
    EXPECT_TRUE(fs::exists(lock_of("target")));
}

TEST_F(writing, KeepsACompareAndSwapAmongMany)
{
    // Half of them by git, half by us: every step that was reported is in the history, none is lost.
    std::vector<std::string> chain{first.hex()};
    for (int n = 0; n < 40; ++n)
        chain.push_back(
            repo.git("commit-tree", "-m", std::to_string(n), "-p", chain.back(), first.hex() + "^{tree}"));
    std::atomic<int> theirs{0};
    std::thread user([&] {
        for (int n = 0; n + 1 < static_cast<int>(chain.size()); ++n)
            for (bool done = false; !done;) {
                done = try_git(repo.top(), {"update-ref", "refs/heads/target", chain[n + 1], chain[n]}).ok;
                if (done) ++theirs;
                if (try_git(repo.top(), {"merge-base", "--is-ancestor", chain[n + 1], "target"}).ok)
                    done = true;
            }
    });
    int ours = 0;
    auto body = [&]() -> awaitable<void> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        for (std::size_t n = 0; n + 1 < chain.size();) {
            auto done =
                co_await git::update_ref(*found, "refs/heads/target", oid(chain[n + 1]), oid(chain[n]), "m");
            if (done) {
                ++ours;
                ++n;
                continue;
            }
            EXPECT_TRUE(done.error().is(errc::moved)) << done.error().message();
            const oid now = (co_await git::resolve(*found, "refs/heads/target")).value();
            n = static_cast<std::size_t>(std::find(chain.begin(), chain.end(), now.hex()) - chain.begin());
        }
    };
    run_here(body());
    user.join();
    EXPECT_EQ(ours + theirs, 40);
    EXPECT_EQ(repo.git("rev-parse", "target"), chain.back());
}

class one_write : public scenario {
public:
    one_write(const test_repository& where, oid one, oid other) : where_(where), one_(one), other_(other) {}
    awaitable<void> body() override
    {
        auto found = (co_await git::repository::discover(where_.top())).value();
        const oid now = (co_await git::resolve(*found, "refs/heads/target")).value();
        co_await git::update_ref(*found, "refs/heads/target", now == one_ ? other_ : one_, now, "m");
    }
    void check() override
    {
        EXPECT_FALSE(fs::exists(where_.git_folder() / "refs/heads/target.lock"));
        std::error_code none;
        EXPECT_EQ(fs::directory_iterator(where_.git_folder() / "graftline/ref-writes", none),
                  fs::directory_iterator());
    }

private:
    const test_repository& where_;
    oid one_, other_;
};

TEST_F(writing, LeavesNoLockWhereverItIsCancelled)
{
    cancel_at_every_step([&](asio::io_context&) { return std::make_unique<one_write>(repo, first, second); });
    abandon_at_every_step(
        [&](asio::io_context&) { return std::make_unique<one_write>(repo, first, second); });
    EXPECT_EQ(repo.git("fsck", "--no-dangling"), "");
}

} // namespace
} // namespace graftline::test
