#include "graftline/git/repository/environment.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/worktree/worktree.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;
using test::run_here;
using test::test_repository;

std::shared_ptr<repository> open(asio::io_context& io, const fs::path& start)
{
    return run_here(io, repository::discover(start)).value();
}

fault refusal(const fs::path& start)
{
    auto found = run_here(repository::discover(start));
    return found ? fault() : found.error();
}

TEST(Discover, FindsTheRepositoryFromAnyFolderOfIt)
{
    test_repository made;
    made.commit_file("deep/down/file", "x");
    asio::io_context io(1);
    for (const fs::path& start : {made.top(), made.top() / "deep/down"}) {
        auto repo = open(io, start);
        EXPECT_EQ(repo->here(), made.top());
        EXPECT_EQ(repo->main_work_tree(), made.top());
        EXPECT_EQ(repo->common_dir(), made.top() / ".git");
        EXPECT_EQ(repo->name(), "repo");
        EXPECT_FALSE(repo->is_bare());
        EXPECT_TRUE(repo->may_read_directly());
    }
    auto inside = open(io, made.top() / ".git");
    EXPECT_EQ(inside->main_work_tree(), made.top());
    EXPECT_EQ(inside->here(), std::nullopt);
}

TEST(Discover, FromALinkedWorktreeKnowsTheMainOne)
{
    test_repository made;
    made.commit_file("a", "x");
    made.git("worktree", "add", "--quiet", "../linked");
    asio::io_context io(1);
    auto repo = open(io, made.root() / "linked");
    EXPECT_EQ(repo->here(), made.root() / "linked");
    EXPECT_EQ(repo->main_work_tree(), made.top());
    EXPECT_EQ(repo->common_dir(), made.top() / ".git");
    EXPECT_NE(repo->git_dir(), repo->common_dir());
}

TEST(Discover, FindsABareOneAndItsWorktrees)
{
    test_repository made;
    made.commit_file("a", "x");
    made.git("clone", "--quiet", "--bare", ".", "../project.git");
    made.git_in(made.root() / "project.git", "worktree", "add", "--quiet", "../linked", "main");
    asio::io_context io(1);
    auto bare = open(io, made.root() / "project.git");
    EXPECT_TRUE(bare->is_bare());
    EXPECT_EQ(bare->name(), "project");
    auto linked = open(io, made.root() / "linked");
    EXPECT_TRUE(linked->is_bare());
    EXPECT_EQ(linked->here(), made.root() / "linked");
}

TEST(Discover, HonoursGitDirOnce)
{
    test_repository made, other;
    made.commit_file("a", "made");
    other.commit_file("a", "other");
    asio::io_context io(1);
    setenv("GIT_DIR", (made.top() / ".git").c_str(), 1);
    setenv("GIT_WORK_TREE", made.top().c_str(), 1);
    auto repo = open(io, other.top());
    EXPECT_EQ(repo->common_dir(), made.top() / ".git");
    EXPECT_EQ(repo->here(), made.top());
    // A git call elsewhere is not caught by it.
    EXPECT_EQ(run_here(io, repo->ask_in(other.top(), "rev-parse", "--show-toplevel")).value(), other.top());
    unsetenv("GIT_DIR");
    unsetenv("GIT_WORK_TREE");
}

TEST(Discover, SaysWhyNot)
{
    test_repository made;
    fault none = refusal(made.root());
    EXPECT_TRUE(none.is(errc::unusable));
    EXPECT_THAT(none.message(), testing::HasSubstr("no git repository"));
    EXPECT_TRUE(refusal(made.root() / "nowhere").is(errc::unusable));
    made.git("config", "core.repositoryFormatVersion", "1");
    made.git("config", "extensions.refStorage", "reftable");
    fault unknown = refusal(made.top());
    EXPECT_TRUE(unknown.is(errc::unsupported)) << unknown.message();
}

TEST(Discover, RefusesAnOldGit)
{
    test_repository made;
    fs::create_directory(made.root() / "bin");
    test::write_file(made.root() / "bin/git", "#!/bin/sh\necho git version 2.30.2\n");
    fs::permissions(made.root() / "bin/git", fs::perms::owner_all);
    const std::string path = std::getenv("PATH");
    setenv("PATH", (made.root() / "bin").c_str(), 1);
    fault old = refusal(made.top());
    setenv("PATH", "/nonexistent", 1);
    fault none = refusal(made.top());
    setenv("PATH", path.c_str(), 1);
    EXPECT_TRUE(old.is(errc::unusable));
    EXPECT_THAT(old.message(), testing::HasSubstr("found 2.30.2"));
    EXPECT_TRUE(none.is(errc::unusable));
}

TEST(Version, IsReadInAllItsForms)
{
    EXPECT_EQ(parse_git_version("git version 2.39.5").value(), (git_version{2, 39, 5}));
    EXPECT_EQ(parse_git_version("git version 2.39.5 (Apple Git-154)").value(), (git_version{2, 39, 5}));
    EXPECT_EQ(parse_git_version("git version 2.45.GIT").value(), (git_version{2, 45, 0}));
    EXPECT_EQ(parse_git_version("git version 2.45.0.rc1.windows.1").value(), (git_version{2, 45, 0}));
    EXPECT_FALSE(parse_git_version("nothing"));
    EXPECT_FALSE(parse_git_version(""));
}

TEST(Capability, SeesWhatLibgit2CannotDo)
{
    test_repository made;
    made.commit_file("a", "1");
    made.commit_file("a", "2");
    asio::io_context io(1);
    EXPECT_TRUE(open(io, made.top())->can().direct_reads());

    made.git("replace", "HEAD", "HEAD~1");
    EXPECT_FALSE(open(io, made.top())->can().direct_reads());
    made.git("pack-refs", "--all");
    EXPECT_FALSE(open(io, made.top())->can().direct_reads());
    made.git("replace", "-d", made.git("rev-parse", "HEAD"));
    EXPECT_TRUE(open(io, made.top())->can().direct_reads());

    made.git("clone", "--quiet", "--depth=1", "file://" + made.top().string(), "../shallow");
    EXPECT_TRUE(open(io, made.root() / "shallow")->can().shallow);
    EXPECT_FALSE(open(io, made.root() / "shallow")->may_read_directly());

    made.git("sparse-checkout", "set", "deep");
    auto sparse = open(io, made.top());
    EXPECT_TRUE(sparse->can().worktree_config);
    EXPECT_FALSE(sparse->may_read_directly());

    test_repository sha256({"--object-format=sha256"});
    EXPECT_TRUE(open(io, sha256.top())->can().sha256);
    EXPECT_EQ(open(io, sha256.top())->can().oid_digits(), 64u);
}

TEST(Capability, NoticesLaterThatHistoryBecameIndirect)
{
    test_repository made;
    made.commit_file("a", "1");
    made.commit_file("a", "2");
    asio::io_context io(1);
    auto repo = open(io, made.top());
    EXPECT_TRUE(repo->may_read_directly());
    made.git("replace", "HEAD", "HEAD~1");
    EXPECT_FALSE(repo->may_read_directly());
}

TEST(Ask, GivesGitsOwnWordsWhenItFails)
{
    test_repository made;
    asio::io_context io(1);
    auto repo = open(io, made.top());
    auto answer = run_here(io, repo->ask("cat-file", "-t", "nothing"));
    ASSERT_FALSE(answer);
    EXPECT_TRUE(answer.error().is(errc::command_failed));
    EXPECT_THAT(answer.error().message(), testing::HasSubstr("Not a valid object name nothing"));
    EXPECT_THAT(answer.error().what(), testing::HasSubstr("git cat-file"));
}

TEST(Environment, OfOurCallsIsFreeOfTheHooksThatStartedUs)
{
    test_repository made;
    made.commit_file("a", "1");
    asio::io_context io(1);
    auto repo = open(io, made.top());
    setenv("GIT_INDEX_FILE", "/nonexistent/index", 1);
    setenv("GIT_AUTHOR_NAME", "A Hook", 1);
    setenv("GIT_CONFIG_COUNT", "1", 1);
    setenv("GIT_CONFIG_KEY_0", "user.name", 1);
    setenv("GIT_CONFIG_VALUE_0", "Kept On Purpose", 1);
    EXPECT_EQ(run_here(io, repo->ask("ls-files")).value(), "a");
    EXPECT_EQ(run_here(io, repo->ask("config", "user.name")).value(), "Kept On Purpose");
    EXPECT_EQ(run_here(io, repo->ask("config", "gc.auto")).value(), "0");
    EXPECT_THAT(run_here(io, repo->ask("var", "GIT_AUTHOR_IDENT")).value(),
                testing::HasSubstr("Kept On Purpose"));
    for (const char* name :
         {"GIT_INDEX_FILE", "GIT_AUTHOR_NAME", "GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"})
        unsetenv(name);
}

TEST(Environment, AnIdentityThereCountsAsItDoesForGit)
{
    test_repository made;
    made.commit_file("a", "1");
    asio::io_context io(1);
    auto repo = open(io, made.top());
    for (const char* role : {"GIT_AUTHOR_", "GIT_COMMITTER_"}) {
        setenv((std::string(role) + "NAME").c_str(), "Bot", 1);
        setenv((std::string(role) + "EMAIL").c_str(), "bot@ci", 1);
    }
    for (const char* who : {"GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"})
        EXPECT_THAT(run_here(io, repo->ask("var", who)).value(), testing::StartsWith("Bot <bot@ci>"));
    EXPECT_THAT(rules_for_agents("/somewhere/trees/one").drop,
                testing::Not(testing::Contains("GIT_AUTHOR_NAME")));
    for (const char* name :
         {"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"})
        unsetenv(name);
}

TEST(Environment, OfAgentsDropsAllOfGitsRepositoryVariables)
{
    test::isolate_git();
    const auto rules = rules_for_agents("/somewhere/trees/one");
    std::string listed = test::try_git("/", {"rev-parse", "--local-env-vars"}).out + "\n";
    for (std::size_t start = 0, end; (end = listed.find('\n', start)) != std::string::npos; start = end + 1) {
        const std::string name = listed.substr(start, end - start);
        if (name == "GIT_CONFIG_COUNT") continue; // continued, so that what the user set by it still counts
        EXPECT_THAT(rules.drop, testing::Contains(name));
    }
    EXPECT_THAT(rules.set, testing::Contains(variable("GIT_CEILING_DIRECTORIES", "/somewhere/trees")));
    for (const auto& [name, value] : rules.set)
        EXPECT_NE(name, "GIT_OPTIONAL_LOCKS");
}

TEST(GitIn, DoesNotFindTheRepositoryAboveAFolderThatLostItsOwn)
{
    test_repository made;
    made.commit_file("a", "1");
    fs::create_directory(made.top() / "lost");
    asio::io_context io(1);
    auto repo = open(io, made.top());
    EXPECT_FALSE(run_here(io, repo->ask_in(made.top() / "lost", "rev-parse", "HEAD")));
}

} // namespace
} // namespace graftline::git
