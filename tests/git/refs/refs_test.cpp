#include "graftline/git/refs/read_by_command.hpp"
#include "graftline/git/refs/read_direct.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/repository.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace graftline::git {
namespace {

using test::run_here;
using test::test_repository;

class Refs : public testing::Test {
protected:
    explicit Refs(std::vector<std::string> init = {}) : made(std::move(init)) {}
    void open() { repo = run_here(io, repository::discover(made.top())).value(); }

    asio::io_context io{1};
    test_repository made;
    std::shared_ptr<repository> repo;
};

class RefsOfSha256 : public Refs {
protected:
    RefsOfSha256() : Refs({"--object-format=sha256"}) {}
};

TEST_F(Refs, OfAnEmptyRepositoryAreSaidToBeNone)
{
    open();
    auto none = run_here(io, resolve(*repo, "HEAD"));
    ASSERT_FALSE(none);
    EXPECT_TRUE(none.error().is(errc::not_found));
    EXPECT_THAT(none.error().message(), testing::HasSubstr("empty"));
    EXPECT_EQ(run_here(io, head_branch(*repo)).value(), "main");
    EXPECT_EQ(run_here(io, read_ref(*repo, "HEAD")).value(), std::nullopt);
}

TEST_F(Refs, AreResolvedToCommitsInEverySyntax)
{
    const oid first(made.commit_file("a", "1"));
    const oid second(made.commit_file("a", "2"));
    made.git("tag", "-a", "-m", "note", "v1", first.hex());
    made.git("branch", "topic/one", first.hex());
    open();
    const auto find = [&](const std::string& rev) { return run_here(io, resolve(*repo, rev)).value(); };
    EXPECT_EQ(find("HEAD"), second);
    EXPECT_EQ(find("main"), second);
    EXPECT_EQ(find("HEAD~1"), first);
    EXPECT_EQ(find("v1"), first); // an annotated tag
    EXPECT_EQ(find("refs/tags/v1"), first);
    EXPECT_EQ(find("topic/one"), first);
    EXPECT_EQ(find(first.hex()), first);
    EXPECT_EQ(find(first.short_hex()), first);
    for (const char* wrong : {"nothing", "-x", "--all", "HEAD^{tree}", "", "a b", "HEAD:a"}) {
        auto none = run_here(io, resolve(*repo, wrong));
        ASSERT_FALSE(none) << wrong;
        EXPECT_TRUE(none.error().is(errc::not_found)) << wrong;
    }
    auto none = run_here(io, resolve(*repo, "nothing"));
    EXPECT_THAT(none.error().message(), testing::HasSubstr("'nothing'"));
}

TEST_F(Refs, MoveByCompareAndSwap)
{
    const oid first(made.commit_file("a", "1"));
    const oid second(made.commit_file("a", "2"));
    open();
    const std::string ref = "refs/heads/topic";
    const auto move = [&](const oid& to, std::optional<oid> expected) {
        return run_here(io, update_ref(*repo, ref, to, expected, "test: move"));
    };
    EXPECT_TRUE(move(first, oid())); // it must not exist, and does not
    EXPECT_TRUE(move(first, oid()).error().is(errc::moved));
    EXPECT_TRUE(move(second, second).error().is(errc::moved));
    EXPECT_EQ(run_here(io, read_ref(*repo, ref)).value(), first);
    EXPECT_TRUE(move(second, first));
    EXPECT_TRUE(move(first, std::nullopt)); // whatever it holds
    EXPECT_EQ(run_here(io, read_ref(*repo, ref)).value(), first);
    EXPECT_THAT(made.git("reflog", "show", "topic"), testing::HasSubstr("test: move"));

    EXPECT_TRUE(run_here(io, delete_ref(*repo, ref, second)).error().is(errc::moved));
    EXPECT_TRUE(run_here(io, delete_ref(*repo, ref, first)));
    EXPECT_TRUE(run_here(io, delete_ref(*repo, ref, first)).error().is(errc::moved));
    EXPECT_EQ(run_here(io, read_ref(*repo, ref)).value(), std::nullopt);
    EXPECT_TRUE(move(second, first).error().is(errc::moved)); // gone is not what was expected
    EXPECT_TRUE(run_here(io, update_ref(*repo, "topic", first, {}, "x")).error().is(errc::invalid));
}

TEST_F(Refs, InTheWayOfOthersAreNamed)
{
    const oid tip(made.commit_file("a", "1"));
    made.git("branch", "task");
    made.git("branch", "fix/one");
    open();
    auto below = run_here(io, update_ref(*repo, "refs/heads/task/x", tip, oid(), "test"));
    ASSERT_FALSE(below);
    EXPECT_TRUE(below.error().is(errc::exists)) << below.error().message();
    EXPECT_EQ(run_here(io, free_branch_name(*repo, "task/x")).value(), "task-x");
    EXPECT_EQ(run_here(io, free_branch_name(*repo, "fix")).value(), "fix-2");
    EXPECT_EQ(run_here(io, free_branch_name(*repo, "fix/one")).value(), "fix/one-2");
    EXPECT_EQ(run_here(io, free_branch_name(*repo, "free/name")).value(), "free/name");
    // A folder of refs is no ref.
    EXPECT_EQ(run_here(io, read_ref(*repo, "refs/heads/fix")).value(), std::nullopt);
}

TEST_F(Refs, HeldLocksAreWaitedFor)
{
    const oid tip(made.commit_file("a", "1"));
    open();
    const auto lock = made.top() / ".git/refs/heads/main.lock";
    test::write_file(lock, "");
    bool done = false;
    asio::steady_timer timer(io, std::chrono::milliseconds(300));
    timer.async_wait([&](error_code) { std::filesystem::remove(lock); });
    auto body = [&]() -> awaitable<result<void>> {
        auto moved = co_await update_ref(*repo, "refs/heads/main", tip, tip, "test");
        done = true;
        co_return moved;
    };
    EXPECT_TRUE(run_here(io, body()));
    EXPECT_TRUE(done);
}

TEST_F(Refs, HeadIsThatOfTheWorktreeThatWeStartedIn)
{
    made.commit_file("a", "1");
    made.git("worktree", "add", "--quiet", "-b", "other", "../linked");
    auto linked = run_here(io, repository::discover(made.root() / "linked")).value();
    made.git_in(made.root() / "linked", "commit", "--quiet", "--allow-empty", "-m", "other");
    EXPECT_EQ(run_here(io, head_branch(*linked)).value(), "other");
    const std::string tip = made.git("rev-parse", "other");
    EXPECT_EQ(run_here(io, resolve(*linked, "HEAD")).value().hex(), tip);
    EXPECT_EQ(run_here(io, read_direct::resolve(*linked, "HEAD")).value().hex(), tip);
    made.git_in(made.root() / "linked", "checkout", "--quiet", "--detach");
    EXPECT_EQ(run_here(io, head_branch(*linked)).value(), std::nullopt);
}

TEST_F(RefsOfSha256, WorkByTheCommand)
{
    const oid first(made.commit_file("a", "1"));
    const oid second(made.commit_file("a", "2"));
    open();
    EXPECT_EQ(first.hex().size(), 64u);
    EXPECT_FALSE(repo->may_read_directly());
    EXPECT_EQ(run_here(io, resolve(*repo, "main")).value(), second);
    EXPECT_TRUE(run_here(io, update_ref(*repo, "refs/heads/x", first, oid(), "test")));
    EXPECT_TRUE(
        run_here(io, update_ref(*repo, "refs/heads/x", first, oid(), "test")).error().is(errc::moved));
    EXPECT_TRUE(run_here(io, is_ancestor(*repo, first, second)).value());
    EXPECT_THAT(run_here(io, merge_bases(*repo, first, second)).value(), testing::ElementsAre(first));
}

TEST_F(Refs, OfAShallowCloneWorkByTheCommand)
{
    made.commit_file("a", "1");
    const oid second(made.commit_file("a", "2"));
    made.git("clone", "--quiet", "--depth=1", "file://" + made.top().string(), "../shallow");
    auto shallow = run_here(io, repository::discover(made.root() / "shallow")).value();
    EXPECT_EQ(run_here(io, resolve(*shallow, "HEAD")).value(), second);
    EXPECT_TRUE(run_here(io, is_ancestor(*shallow, second, second)).value());
}

/// A history of merges whose dates say nothing about its order.
std::vector<oid> random_history(const test_repository& made, std::mt19937& random)
{
    const std::string tree = made.git("write-tree");
    std::vector<oid> commits;
    for (int next = 0; next < 40; ++next) {
        const std::string date = std::to_string(1700000000 + static_cast<int>(random() % 100000)) + " +0000";
        setenv("GIT_COMMITTER_DATE", date.c_str(), 1);
        std::vector<std::string> words{"commit-tree", tree, "-m", std::to_string(next)};
        const std::size_t parents = commits.empty() ? 0 : random() % 8 == 0 ? 0 : 1 + random() % 2;
        for (std::size_t left = parents; left > 0; --left) {
            words.push_back("-p");
            words.push_back(
                commits[commits.size() - 1 - random() % std::min<std::size_t>(commits.size(), 6)].hex());
        }
        commits.emplace_back(test::try_git(made.top(), words).out);
    }
    unsetenv("GIT_COMMITTER_DATE");
    return commits;
}

TEST_F(Refs, HistoryReadDirectlyIsGitsHistory)
{
    made.commit_file("a", "1");
    open();
    std::mt19937 random(11);
    const std::vector<oid> commits = random_history(made, random);
    int answered = 0;
    for (int round = 0; round < 200; ++round) {
        const oid one = commits[random() % commits.size()];
        const oid other = commits[random() % commits.size()];
        EXPECT_EQ(run_here(io, read_direct::is_ancestor(*repo, one, other)).value(),
                  run_here(io, read_by_command::is_ancestor(*repo, one, other)).value());
        const auto gits = run_here(io, read_by_command::merge_bases(*repo, one, other)).value();
        if (auto direct = run_here(io, read_direct::merge_bases(*repo, one, other))) {
            EXPECT_EQ(*direct, gits) << one.hex() << " " << other.hex();
            ++answered;
        }
        EXPECT_EQ(run_here(io, merge_bases(*repo, one, other)).value(), gits);
    }
    EXPECT_GT(answered, 100);
}

TEST_F(Refs, WrittenByOthersMeanwhileAreSeen)
{
    const oid first(made.commit_file("a", "1"));
    open();
    EXPECT_EQ(run_here(io, read_direct::resolve(*repo, "main")).value(), first);
    const oid second(made.commit_file("a", "2"));
    EXPECT_EQ(run_here(io, read_direct::resolve(*repo, "main")).value(), second);
    made.git("gc", "--quiet", "--prune=now");
    EXPECT_EQ(run_here(io, read_direct::read_ref(*repo, "refs/heads/main")).value(), second);
    EXPECT_TRUE(run_here(io, read_direct::is_ancestor(*repo, first, second)).value());
}

TEST_F(Refs, NamesReadDirectlyAreGitsNames)
{
    const oid first(made.commit_file("a", "1"));
    made.commit_file("a", "2");
    made.git("branch", "same", first.hex());
    made.git("tag", "same"); // git takes the tag
    made.git("tag", "-a", "-m", "x", "noted");
    made.git("symbolic-ref", "refs/heads/alias", "refs/heads/main");
    made.git("update-ref", "refs/remotes/origin/main", first.hex());
    made.git("branch", "abcdef");
    made.git("pack-refs", "--all");
    made.git("branch", "loose", first.hex());
    open();
    for (const char* rev : {"HEAD", "main", "same", "noted", "alias", "origin/main", "abcdef", "loose",
                            "heads/same", "refs/tags/noted", "refs/heads/same"})
        EXPECT_EQ(run_here(io, read_direct::resolve(*repo, rev)).value(),
                  run_here(io, read_by_command::resolve(*repo, rev)).value())
            << rev;
    for (const char* ref :
         {"HEAD", "refs/heads/main", "refs/heads/alias", "refs/tags/noted", "refs/heads/loose"})
        EXPECT_EQ(run_here(io, read_direct::read_ref(*repo, ref)).value(),
                  run_here(io, read_by_command::read_ref(*repo, ref)).value())
            << ref;
}

} // namespace
} // namespace graftline::git
