#include "graftline/git/merge/merge.hpp"
#include "graftline/git/repository/repository.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::test {
namespace {

using git::merge_outcome;
using git::oid;
using testing::ElementsAre;

class merging : public testing::Test {
protected:
    void SetUp() override { isolate_git(); }

    /// Merges what the revisions name, as `git` was started in `from`.
    static result<merge_outcome> merge(const std::filesystem::path& from, std::string ours,
                                       std::string theirs)
    {
        auto body = [](std::filesystem::path start, oid a, oid b) -> awaitable<result<merge_outcome>> {
            auto repo = co_await git::repository::discover(start);
            if (!repo) co_return repo.error();
            auto merged = co_await git::merge_commits(**repo, a, b);
            if (!merged) co_return merged.error();
            // So that git can be asked about them.
            auto written = co_await git::write_objects(**repo, std::move(merged->objects));
            if (!written) co_return written.error();
            merged->objects = {};
            co_return merged;
        };
        return run_here(body(from, oid(std::move(ours)), oid(std::move(theirs))));
    }
    result<merge_outcome> merge(const std::string& ours, const std::string& theirs)
    {
        return merge(repo.top(), repo.git("rev-parse", ours), repo.git("rev-parse", theirs));
    }
    /// A commit on a new branch from `base`; main is checked out again afterwards.
    void branch(const std::string& name, const std::string& base, const std::filesystem::path& file,
                std::string_view text)
    {
        repo.git("switch", "-q", "-c", name, base);
        repo.commit_file(file, text);
        repo.git("switch", "-q", "main");
    }

    test_repository repo;
};

TEST_F(merging, TakesBothSidesWhenTheyDoNotMeet)
{
    repo.commit_file("a.txt", "a\n");
    branch("one", "main", "one.txt", "1\n");
    branch("two", "main", "deep/two.txt", "2\n");
    const auto before = repo.git("status", "--porcelain", "--branch");
    const auto merged = merge("one", "two");
    ASSERT_TRUE(merged) << merged.error().message();
    EXPECT_TRUE(merged->clean());
    EXPECT_EQ(repo.git("ls-tree", "-r", "--name-only", merged->tree.hex()), "a.txt\ndeep/two.txt\none.txt");
    EXPECT_EQ(repo.git("status", "--porcelain", "--branch"), before);
}

TEST_F(merging, NamesEachConflictOnceWithItsKind)
{
    repo.commit_file("both.txt", "1\n2\n3\n");
    repo.commit_file("gone.txt", "x\n");
    repo.git("switch", "-q", "-c", "theirs");
    repo.commit_file("both.txt", "1\ntheirs\n3\n");
    repo.git("rm", "-q", "gone.txt");
    repo.commit("theirs");
    repo.git("switch", "-q", "main");
    repo.commit_file("both.txt", "1\nours\n3\n");
    repo.commit_file("gone.txt", "changed\n");
    const auto merged = merge("main", "theirs");
    ASSERT_TRUE(merged) << merged.error().message();
    ASSERT_EQ(merged->conflicts.size(), 2u);
    EXPECT_EQ(merged->conflicts[0].path, "both.txt");
    EXPECT_EQ(merged->conflicts[0].kind, "contents");
    EXPECT_EQ(merged->conflicts[1].path, "gone.txt");
    EXPECT_EQ(merged->conflicts[1].kind, "modify/delete");
    EXPECT_FALSE(std::filesystem::exists(repo.git_folder() / "MERGE_HEAD"));
}

TEST_F(merging, NamesStrangePathsAsTheyAre)
{
    const std::filesystem::path name = "tab\tnew\nline \"q\" \xc3\xa4.txt";
    repo.commit_file(name, "1\n");
    branch("theirs", "main", name, "theirs\n");
    repo.commit_file(name, "ours\n");
    const auto merged = merge("main", "theirs");
    ASSERT_TRUE(merged) << merged.error().message();
    ASSERT_EQ(merged->conflicts.size(), 1u);
    EXPECT_EQ(merged->conflicts[0].path, name.string());
}

TEST_F(merging, UsesTheAttributesOfOursWhereverItIsStarted)
{
    repo.commit_file(".gitattributes", "CHANGELOG merge=union\n");
    repo.commit_file("deep/.gitattributes", "NEWS merge=union\n");
    repo.commit_file("CHANGELOG", "base\n");
    repo.commit_file("deep/NEWS", "base\n");
    branch("theirs", "main", "CHANGELOG", "base\ntheirs\n");
    repo.git("switch", "-q", "theirs");
    repo.commit_file("deep/NEWS", "base\ntheirs\n");
    repo.git("switch", "-q", "main");
    repo.commit_file("CHANGELOG", "base\nours\n");
    repo.commit_file("deep/NEWS", "base\nours\n");
    const auto ours = repo.git("rev-parse", "main");
    const auto theirs = repo.git("rev-parse", "theirs");

    const auto here = merge(repo.top(), ours, theirs);
    ASSERT_TRUE(here) << here.error().message();
    EXPECT_TRUE(here->clean());
    const auto bare = repo.root() / "bare.git";
    repo.git("clone", "-q", "--bare", ".", bare.string());
    const auto there = merge(bare, ours, theirs);
    ASSERT_TRUE(there) << there.error().message();
    EXPECT_EQ(there->tree, here->tree);
    // A work tree that says something else is not asked.
    repo.git("checkout", "-q", "--orphan", "other");
    repo.git("rm", "-rfq", ".");
    const auto elsewhere = merge(repo.top(), ours, theirs);
    ASSERT_TRUE(elsewhere) << elsewhere.error().message();
    EXPECT_EQ(elsewhere->tree, here->tree);
}

TEST_F(merging, HistoriesWithoutACommonCommitAreAFaultNotAConflict)
{
    repo.commit_file("a.txt", "a\n");
    const auto alone = repo.git("commit-tree", "-m", "alone", "main^{tree}");
    const auto merged = merge(repo.top(), repo.git("rev-parse", "main"), alone);
    ASSERT_FALSE(merged);
    EXPECT_TRUE(merged.error().is(errc::command_failed));
    EXPECT_NE(merged.error().message().find("unrelated histories"), std::string::npos);
}

TEST_F(merging, LeavesNothingBehind)
{
    repo.commit_file("a.txt", "a\n");
    ASSERT_TRUE(merge("main", "main"));
    const auto scratch = repo.git_folder() / "graftline" / "scratch";
    EXPECT_TRUE(!std::filesystem::exists(scratch) || std::filesystem::is_empty(scratch));
}

TEST(merging_sha256, Works)
{
    isolate_git();
    test_repository repo({"--object-format=sha256"});
    repo.commit_file("a.txt", "a\n");
    repo.git("switch", "-q", "-c", "one");
    repo.commit_file("b.txt", "b\n");
    auto body = [](std::filesystem::path start, oid a, oid b) -> awaitable<result<merge_outcome>> {
        auto found = co_await git::repository::discover(start);
        if (!found) co_return found.error();
        co_return co_await git::merge_commits(**found, a, b);
    };
    const auto merged =
        run_here(body(repo.top(), oid(repo.git("rev-parse", "main")), oid(repo.git("rev-parse", "one"))));
    ASSERT_TRUE(merged) << merged.error().message();
    EXPECT_EQ(merged->tree.hex(), repo.git("rev-parse", "one^{tree}"));
}

} // namespace
} // namespace graftline::test
