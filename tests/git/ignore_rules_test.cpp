// Rules of what is ignored that somebody changes while a worktree is worked in.
#include "graftline/git/commit.hpp"
#include "graftline/git/holds_nothing.hpp"
#include "graftline/git/ignore_rules.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/rescue.hpp"
#include "graftline/git/worktree.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;
using test::run_here;
using test::write_file;
using testing::ElementsAre;
using testing::HasSubstr;

class IgnoreRules : public testing::Test {
protected:
    IgnoreRules()
    {
        test::isolate_git();
        made.write(".gitignore", "*.o\n");
        made.write("a", "a\n");
        made.commit("base");
        write_file(exclude, "# comment\nsecret-*\n");
        repo = run_here(io, repository::discover(made.top())).value();
        const oid base(made.git("rev-parse", "main"));
        run_here(io, add_worktree(*repo, worktree_request(tree, "task/one", base).lock("graftline one")))
            .value();
        write_file(tree / "new.txt", "n\n");
        write_file(tree / "secret-key", "s\n");
    }

    std::string committed()
    {
        const auto done = run_here(io, commit_everything(*repo, tree, commit_request("feat: work\n")));
        EXPECT_TRUE(done) << done.error().message();
        return done && *done ? files((*done)->hex()) : "nothing";
    }
    std::string rescued()
    {
        const auto done = run_here(io, rescue(*repo, tree, "one"));
        EXPECT_TRUE(done) << done.error().message();
        return done && *done ? files(**done) : "nothing";
    }
    std::string files(const std::string& commit) { return made.git("ls-tree", "-r", "--name-only", commit); }
    bool is_changed()
    {
        return !run_here(io, former_ignore_rules(*repo, made.git_folder() / "worktrees/one")).value().empty();
    }

    asio::io_context io{1};
    test::test_repository made;
    fs::path exclude = made.git_folder() / "info/exclude";
    fs::path tree = made.root() / "trees" / "one";
    std::shared_ptr<repository> repo;
};

TEST_F(IgnoreRules, ThatComeLaterHideNothing)
{
    write_file(exclude, "secret-*\nnew*\n");
    ASSERT_EQ(test::try_git(tree, {"status", "--porcelain"}).out, "");
    EXPECT_TRUE(is_changed());
    EXPECT_EQ(run_here(io, status_of(*repo, tree, std::nullopt)).value().untracked, 1);
    const workplace place(made.git_folder() / "worktrees/one", tree, true);
    EXPECT_FALSE(run_here(io, holds_nothing(*repo, place)));
    EXPECT_EQ(rescued(), ".gitignore\na\nnew.txt");
    EXPECT_EQ(committed(), ".gitignore\na\nnew.txt");
    EXPECT_EQ(committed(), "nothing");
}

TEST_F(IgnoreRules, ThatAreTakenAwayShowNothing)
{
    fs::remove(exclude);
    EXPECT_TRUE(is_changed());
    EXPECT_EQ(rescued(), ".gitignore\na\nnew.txt");
    fs::remove(tree / "a");
    EXPECT_EQ(committed(), ".gitignore\nnew.txt");
}

TEST_F(IgnoreRules, OfTheUserForAllRepositoriesCountAsTheyWere)
{
    write_file(made.root() / "everywhere", "new*\n");
    made.git("config", "core.excludesFile", (made.root() / "everywhere").string());
    ASSERT_EQ(test::try_git(tree, {"status", "--porcelain"}).out, "");
    EXPECT_EQ(rescued(), ".gitignore\na\nnew.txt");
    EXPECT_EQ(committed(), ".gitignore\na\nnew.txt");
}

TEST_F(IgnoreRules, OfTheTreeItselfCount)
{
    write_file(exclude, "a*\n");
    write_file(tree / ".gitignore", "new*\n");
    write_file(tree / "x.o", "an object\n");
    EXPECT_EQ(committed(), ".gitignore\na\nx.o");
}

TEST_F(IgnoreRules, ARepositoryInsideIsRefusedUnderFormerOnesToo)
{
    write_file(exclude, "sub\n");
    made.git("init", "-q", (tree / "sub").string());
    made.git_in(tree / "sub", "commit", "-q", "--allow-empty", "-m", "inner");
    const auto done = run_here(io, commit_everything(*repo, tree, commit_request("feat: work\n")));
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message(), HasSubstr("sub"));
    const auto ref = run_here(io, rescue(*repo, tree, "one")).value().value();
    EXPECT_EQ(made.git("log", "-1", "--format=%s", ref + ".nested/1"), "inner");
}

TEST_F(IgnoreRules, OfOursAreNoChange)
{
    run_here(io, keep_out_of_status(*repo, made.top() / "worktrees/two")).value();
    write_file(exclude, test::read_file(exclude) + "\n# another comment\n");
    EXPECT_FALSE(is_changed());
    EXPECT_THAT(test::read_file(exclude), HasSubstr("/worktrees/two/"));
}

} // namespace
} // namespace graftline::git
