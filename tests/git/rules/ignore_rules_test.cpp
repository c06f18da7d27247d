// Rules of what is ignored that somebody changes while a worktree is worked in.
#include "graftline/git/commits/commit.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/rescue/holds_nothing.hpp"
#include "graftline/git/rescue/rescue.hpp"
#include "graftline/git/rules/noted_rules.hpp"
#include "graftline/git/worktree/present_work.hpp"
#include "graftline/git/worktree/worktree.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <utility>
#include <vector>

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
        workplace place(record, tree, true);
        return !run_here(io, hold_rules(*repo, place)).value().is_none();
    }

    asio::io_context io{1};
    test::test_repository made;
    fs::path exclude = made.git_folder() / "info/exclude";
    fs::path record = made.git_folder() / "worktrees/one";
    fs::path tree = made.root() / "trees" / "one";
    std::shared_ptr<repository> repo;
};

TEST_F(IgnoreRules, ThatComeLaterHideNothing)
{
    write_file(exclude, "secret-*\nnew*\n");
    ASSERT_EQ(test::try_git(tree, {"status", "--porcelain"}).out, "");
    EXPECT_TRUE(is_changed());
    EXPECT_EQ(run_here(io, status_of(*repo, tree, std::nullopt)).value().untracked, 1);
    EXPECT_FALSE(run_here(io, holds_nothing(*repo, workplace(record, tree, true))));
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

TEST_F(IgnoreRules, OfThenDecideWhatIsSeenWhileTheTaskWorks)
{
    const auto before = run_here(io, look_at_work(*repo, tree, filter_drivers(), std::nullopt)).value();
    write_file(exclude, "secret-*\nnew*\n");
    const auto hidden = run_here(io, look_at_work(*repo, tree, filter_drivers(), std::nullopt)).value();
    EXPECT_EQ(hidden.commit, before.commit);
    fs::remove(exclude);
    const auto shown = run_here(io, look_at_work(*repo, tree, filter_drivers(), std::nullopt)).value();
    EXPECT_EQ(shown.commit, before.commit);
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

TEST_F(IgnoreRules, OfOneWorktreeAloneCountAsTheyWere)
{
    write_file(made.root() / "everywhere", "new*\n");
    made.git("config", "extensions.worktreeConfig", "true");
    made.git_in(tree, "config", "--worktree", "core.excludesFile", (made.root() / "everywhere").string());
    ASSERT_EQ(test::try_git(tree, {"status", "--porcelain"}).out, "");
    EXPECT_TRUE(is_changed());
    EXPECT_EQ(run_here(io, status_of(*repo, tree, std::nullopt)).value().untracked, 1);
    EXPECT_FALSE(run_here(io, holds_nothing(*repo, workplace(record, tree, true))));
    EXPECT_EQ(rescued(), ".gitignore\na\nnew.txt");
    EXPECT_EQ(committed(), ".gitignore\na\nnew.txt");
}

TEST_F(IgnoreRules, ThatWereTheWorktreesOwnGoOnToCount)
{
    write_file(made.root() / "everywhere", "new*\n");
    made.git("config", "extensions.worktreeConfig", "true");
    made.git("config", "--worktree", "core.excludesFile", (made.root() / "everywhere").string());
    const fs::path two = made.root() / "trees" / "two";
    run_here(io, add_worktree(*repo, worktree_request(two, "task/two", oid(made.git("rev-parse", "main")))
                                         .lock("graftline two")))
        .value();
    write_file(two / "new.txt", "n\n");
    write_file(two / "b", "b\n");
    fs::remove(made.root() / "everywhere");
    const auto done = run_here(io, commit_everything(*repo, two, commit_request("feat: work\n"))).value();
    EXPECT_EQ(files(done.value().hex()), ".gitignore\na\nb");
}

TEST_F(IgnoreRules, AnIncludeThatComesLaterHidesNothing)
{
    write_file(made.root() / "everywhere", "new*\n");
    made.git("config", "include.path", (made.root() / "included").string());
    EXPECT_FALSE(is_changed());
    write_file(made.root() / "included",
               "[core]\n\texcludesFile = " + (made.root() / "everywhere").string() + "\n");
    EXPECT_TRUE(is_changed());
    EXPECT_EQ(committed(), ".gitignore\na\nnew.txt");
}

TEST_F(IgnoreRules, LettersCountAsTheyDid)
{
    write_file(tree / "SECRET-notes", "s\n");
    for (const char* whose : {"--local", "--worktree"}) {
        made.git("config", "extensions.worktreeConfig", "true");
        made.git_in(tree, "config", whose, "core.ignoreCase", "true");
        ASSERT_EQ(test::try_git(tree, {"status", "--porcelain"}).out, "?? new.txt");
        EXPECT_TRUE(is_changed());
        EXPECT_EQ(rescued(), ".gitignore\nSECRET-notes\na\nnew.txt") << whose;
        made.git_in(tree, "config", whose, "--unset", "core.ignoreCase");
    }
    made.git("config", "core.ignoreCase", "true");
    EXPECT_EQ(committed(), ".gitignore\nSECRET-notes\na\nnew.txt");
}

TEST_F(IgnoreRules, WhatCountsAsAChangeStaysWhatItWas)
{
    for (const auto& [key, value] :
         std::vector<std::pair<std::string, std::string>>{{"core.fileMode", "false"},
                                                          {"core.symlinks", "false"},
                                                          {"core.trustctime", "false"},
                                                          {"core.checkStat", "minimal"},
                                                          {"core.ignoreStat", "true"},
                                                          {"core.sparseCheckout", "true"},
                                                          {"status.showUntrackedFiles", "no"},
                                                          {"core.untrackedCache", "true"},
                                                          {"core.quotePath", "false"},
                                                          {"add.ignoreErrors", "true"}})
        made.git("config", key, value);
    fs::permissions(tree / "a", fs::perms::owner_exec, fs::perm_options::add);
    const auto ref = run_here(io, rescue(*repo, tree, "one")).value().value();
    EXPECT_THAT(made.git("ls-tree", ref, "a"), HasSubstr("100755"));
    EXPECT_EQ(committed(), ".gitignore\na\nnew.txt");
    EXPECT_THAT(made.git("ls-tree", "task/one", "a"), HasSubstr("100755"));
}

TEST_F(IgnoreRules, NoFlagHidesAnEdit)
{
    write_file(tree / "a", "edited\n");
    made.git_in(tree, "update-index", "--assume-unchanged", "a");
    write_file(tree / ".gitignore", "edited\n");
    made.git_in(tree, "update-index", "--skip-worktree", ".gitignore");
    EXPECT_EQ(committed(), ".gitignore\na\nnew.txt");
    EXPECT_EQ(made.git("show", "task/one:a"), "edited");
    EXPECT_EQ(made.git("show", "task/one:.gitignore"), "edited");
}

TEST_F(IgnoreRules, ASubmodulesCommitsAreNotIgnored)
{
    made.git("init", "-q", (tree / "sub").string());
    made.git_in(tree / "sub", "commit", "-q", "--allow-empty", "-m", "inner");
    write_file(tree / ".gitmodules", "[submodule \"s\"]\n\tpath = sub\n\turl = ./sub\n");
    ASSERT_NE(committed(), "nothing");
    made.git_in(tree / "sub", "commit", "-q", "--allow-empty", "-m", "more");
    made.git("config", "submodule.s.ignore", "all");
    EXPECT_NE(committed(), "nothing");
    EXPECT_EQ(made.git("rev-parse", "task/one:sub"), made.git_in(tree / "sub", "rev-parse", "HEAD"));
}

TEST_F(IgnoreRules, AnotherFolderIsNotCommittedInItsPlace)
{
    fs::create_directories(made.root() / "else");
    made.git("config", "extensions.worktreeConfig", "true");
    for (const auto& [key, value] : std::vector<std::pair<std::string, std::string>>{
             {"core.worktree", (made.root() / "else").string()}, {"core.bare", "true"}}) {
        write_file(record / "config.worktree", "");
        made.git_in(made.root(), "config", "-f", (record / "config.worktree").string(), key, value);
        const auto done = run_here(io, commit_everything(*repo, tree, commit_request("feat: work\n")));
        ASSERT_FALSE(done) << key;
        EXPECT_TRUE(done.error().is(errc::refused)) << done.error().message();
        EXPECT_THAT(done.error().message(), HasSubstr((record / "config.worktree").string()));
        EXPECT_EQ(rescued(), ".gitignore\na\nnew.txt");
    }
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
