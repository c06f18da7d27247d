#include "graftline/git/commits/commit.hpp"
#include "graftline/git/commits/make_commit.hpp"
#include "graftline/git/repository/repository.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using git::commit_request;
using git::oid;
using testing::ElementsAre;
using testing::HasSubstr;

class committing : public testing::Test {
protected:
    void SetUp() override
    {
        isolate_git();
        repo.commit_file("a.txt", "a\n");
        repo.git("worktree", "add", "-q", "-b", "task", tree.string());
    }

    result<std::optional<oid>> commit_all(std::string message = "feat: work\n",
                                          std::optional<git::identity> who = {})
    {
        auto body = [](fs::path start, fs::path worktree,
                       commit_request request) -> awaitable<result<std::optional<oid>>> {
            auto found = co_await git::repository::discover(start);
            if (!found) co_return found.error();
            co_return co_await git::commit_everything(**found, worktree, request);
        };
        return run_here(body(repo.top(), tree, commit_request(std::move(message), std::move(who))));
    }
    std::string in_tree(const std::string& one, const std::string& two = "--",
                        const std::string& three = "--")
    {
        std::vector<std::string> words{one};
        if (two != "--") words.push_back(two);
        if (three != "--") words.push_back(three);
        const auto answer = try_git(tree, words);
        EXPECT_TRUE(answer.ok) << answer.err;
        return answer.out;
    }
    void hook(const std::string& name, const std::string& text)
    {
        const fs::path file = repo.git_folder() / "hooks" / name;
        write_file(file, "#!/bin/sh\n" + text);
        fs::permissions(file, fs::perms::owner_all);
    }

    test_repository repo;
    fs::path tree = repo.root() / "task";
};

TEST_F(committing, TakesChangesNewFilesAndDeletionsButNotIgnoredOnes)
{
    repo.git_in(tree, "mv", "a.txt", "b.txt");
    write_file(tree / "deep/new.txt", "n\n");
    write_file(tree / ".gitignore", "*.o\n");
    write_file(tree / "x.o", "binary\n");
    const auto made = commit_all();
    ASSERT_TRUE(made) << made.error().message();
    ASSERT_TRUE(*made);
    EXPECT_EQ((*made)->hex(), in_tree("rev-parse", "HEAD"));
    EXPECT_EQ(repo.git("ls-tree", "-r", "--name-only", "task"), ".gitignore\nb.txt\ndeep/new.txt");
    EXPECT_EQ(in_tree("status", "--porcelain"), "");
    EXPECT_EQ(repo.git("log", "-1", "--format=%s", "task"), "feat: work");
}

TEST_F(committing, NothingChangedGivesNoCommit) // W-36
{
    const auto made = commit_all();
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_FALSE(*made);
    EXPECT_EQ(repo.git("rev-parse", "task"), repo.git("rev-parse", "main"));
}

TEST_F(committing, AFileMayBeCalledAsACommitIs)
{
    for (const auto& name : {std::string("HEAD"), repo.git("rev-parse", "HEAD"), std::string("main")}) {
        write_file(tree / name, "text\n");
        write_file(repo.top() / name, "text\n");
        ASSERT_TRUE(commit_all().value()) << name;
        EXPECT_EQ(in_tree("show", "HEAD:" + name), "text") << name;
    }
}

TEST_F(committing, LinesThatLookLikeCommentsStayInTheMessage)
{
    write_file(tree / "n.txt", "n\n");
    ASSERT_TRUE(commit_all("fix: it\n\n# not a comment\n"));
    EXPECT_EQ(repo.git("log", "-1", "--format=%B", "task"), "fix: it\n\n# not a comment\n");
}

TEST_F(committing, AFailingHookComesBackWithItsWords) // W-18
{
    hook("pre-commit", "echo 'lint: line 3 is wrong' >&2; exit 1\n");
    write_file(tree / "n.txt", "n\n");
    const auto made = commit_all();
    ASSERT_FALSE(made);
    EXPECT_TRUE(made.error().is(errc::command_failed));
    EXPECT_THAT(made.error().message(), HasSubstr("lint: line 3 is wrong"));
    EXPECT_EQ(read_file(tree / "n.txt"), "n\n");
}

TEST_F(committing, HooksRunAndMayChangeTheCommit)
{
    hook("pre-commit", "echo formatted > n.txt; git add n.txt\n");
    write_file(tree / "n.txt", "n\n");
    ASSERT_TRUE(commit_all());
    EXPECT_EQ(repo.git("show", "task:n.txt"), "formatted");
}

TEST_F(committing, ACommitThatComesWhileOurHooksRunIsTakenForOurs)
{
    // As that of a graftline that was killed, which its git outlives.
    const auto hook = repo.git_folder() / "hooks" / "pre-commit";
    write_file(hook, "#!/bin/sh\n[ -e ../once ] && exit 0\ntouch ../once\n"
                     "git commit -q --no-verify -m 'the other'; echo more > more.txt\n");
    fs::permissions(hook, fs::perms::owner_all);
    write_file(tree / "b.txt", "b\n");
    const auto made = commit_all();
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ((*made)->hex(), repo.git("rev-parse", "task"));
    EXPECT_EQ(repo.git("log", "--format=%s", "main..task"), "feat: work\nthe other");
    EXPECT_EQ(repo.git("show", "task:more.txt"), "more");
    EXPECT_EQ(repo.git_in(tree, "status", "--porcelain"), "");
}

TEST_F(committing, AFailingSignatureComesBackWithItsWords) // W-18
{
    repo.git("config", "commit.gpgSign", "true");
    repo.git("config", "gpg.program", "/bin/false");
    write_file(tree / "n.txt", "n\n");
    const auto made = commit_all();
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().message(), HasSubstr("gpg failed to sign"));
}

TEST_F(committing, WithoutAnIdentityItSaysSoAndCommitsAsNobodyElse) // W-18
{
    repo.git("config", "user.name", "");
    repo.git("config", "user.email", "");
    repo.git("config", "user.useConfigOnly", "true");
    write_file(tree / "n.txt", "n\n");
    const auto made = commit_all();
    ASSERT_FALSE(made);
    EXPECT_TRUE(made.error().is(errc::command_failed));
    EXPECT_EQ(repo.git("rev-parse", "task"), repo.git("rev-parse", "main"));
    const auto named = commit_all("feat: x", git::identity("A Task", "task@example.org"));
    ASSERT_TRUE(named) << named.error().message();
    EXPECT_EQ(repo.git("log", "-1", "--format=%an <%ae> %cn", "task"), "A Task <task@example.org> A Task");
}

TEST_F(committing, ANestedRepositoryIsRefusedAndTheIndexIsLeft) // W-17, git.md 3
{
    write_file(tree / "mine.txt", "m\n");
    fs::create_directories(tree / "lib");
    repo.git_in(tree / "lib", "init", "-q");
    write_file(tree / "lib/l.txt", "l\n");
    repo.git_in(tree / "lib", "add", ".");
    repo.git_in(tree / "lib", "commit", "-q", "-m", "l");
    const auto made = commit_all();
    ASSERT_FALSE(made);
    EXPECT_TRUE(made.error().is(errc::refused));
    EXPECT_THAT(made.error().message(), HasSubstr("lib"));
    EXPECT_EQ(in_tree("diff", "--cached", "--name-only"), "");
    // Named in .gitmodules it is a submodule, and fine.
    write_file(tree / ".gitmodules", "[submodule \"lib\"]\n\tpath = lib\n\turl = https://example.org/lib\n");
    const auto named = commit_all();
    ASSERT_TRUE(named) << named.error().message();
    EXPECT_EQ(repo.git("ls-tree", "--name-only", "task"), ".gitmodules\na.txt\nlib\nmine.txt");
}

TEST_F(committing, AnUnfinishedCheckoutIsRefused) // git.md 3
{
    const auto half = repo.root() / "half";
    repo.git("worktree", "add", "-q", "--no-checkout", "-b", "half", half.string());
    tree = half;
    const auto made = commit_all();
    ASSERT_FALSE(made);
    EXPECT_TRUE(made.error().is(errc::refused));
    EXPECT_EQ(repo.git("rev-parse", "half"), repo.git("rev-parse", "main"));
}

TEST_F(committing, UnresolvedConflictsAreRefused)
{
    write_file(tree / "a.txt", "task\n");
    ASSERT_TRUE(commit_all());
    repo.commit_file("a.txt", "main\n");
    EXPECT_FALSE(try_git(tree, {"merge", "main"}).ok);
    const auto made = commit_all();
    ASSERT_FALSE(made);
    EXPECT_TRUE(made.error().is(errc::refused));
    EXPECT_THAT(made.error().message(), HasSubstr("a.txt"));
    // Resolved, it is a merge to be finished.
    write_file(tree / "a.txt", "both\n");
    repo.git_in(tree, "add", "a.txt");
    const auto finished = commit_all();
    ASSERT_TRUE(finished) << finished.error().message();
    EXPECT_EQ(repo.git("rev-list", "--parents", "-1", "task").size(), 3u * 40 + 2);
}

TEST_F(committing, ADetachedHeadGetsTheCommit) // W-19
{
    repo.git_in(tree, "checkout", "-q", "--detach");
    write_file(tree / "n.txt", "n\n");
    const auto made = commit_all();
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ((*made)->hex(), in_tree("rev-parse", "HEAD"));
    EXPECT_EQ(repo.git("rev-parse", "task"), repo.git("rev-parse", "main"));
}

// ---- commits without a worktree

class tree_commits : public committing {
protected:
    template <class Body> auto with_repository(Body body) { return run_here(body(repo.top())); }
};

TEST_F(tree_commits, HaveTheGivenParentsAndTheAuthorOfAnother)
{
    repo.git("-c", "user.name=Agent", "-c", "user.email=agent@example.org", "commit", "-q", "--allow-empty",
             "-m", "x", "--date=2001-02-03T04:05:06+0700");
    const oid head(repo.git("rev-parse", "HEAD"));
    const oid tree_id(repo.git("rev-parse", "HEAD^{tree}"));
    auto body = [](fs::path start, oid t, oid parent) -> awaitable<result<oid>> {
        auto found = co_await git::repository::discover(start);
        if (!found) co_return found.error();
        std::vector<oid> parents(1, parent);
        co_return co_await git::commit_tree(**found, t, parents, "Landed\n",
                                            git::commit_author::copy_of(parent));
    };
    const auto made = run_here(body(repo.top(), tree_id, head));
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ(repo.git("log", "-1", "--format=%an|%ae|%aI|%P|%s", made->hex()),
              "Agent|agent@example.org|2001-02-03T04:05:06+07:00|" + head.hex() + "|Landed");
}

TEST_F(tree_commits, AreOursWhereGitKnowsNobody)
{
    repo.git("config", "user.name", "");
    repo.git("config", "user.email", "");
    repo.git("config", "user.useConfigOnly", "true");
    auto body = [](fs::path start, oid t) -> awaitable<result<oid>> {
        auto found = co_await git::repository::discover(start);
        if (!found) co_return found.error();
        co_return co_await git::commit_tree(**found, t, std::vector<oid>(), "Landed");
    };
    const auto made = run_here(body(repo.top(), oid(repo.git("rev-parse", "main^{tree}"))));
    ASSERT_TRUE(made) << made.error().message();
    EXPECT_EQ(repo.git("log", "-1", "--format=%cn", made->hex()), "graftline");
}

TEST_F(tree_commits, AreListedWithWhatTheyChange)
{
    const oid from(repo.git("rev-parse", "HEAD"));
    repo.write("b.txt", "b\n");
    repo.git("mv", "a.txt", "c.txt");
    repo.commit("feat: two\n\nBody line.\n\nTask: 7");
    const oid to(repo.commit_file("d d.txt", "d\n"));
    auto body = [](fs::path start, oid a,
                   oid b) -> awaitable<std::pair<std::vector<std::string>, std::vector<git::commit_info>>> {
        auto found = co_await git::repository::discover(start);
        auto paths = co_await git::changed_paths(**found, a, b);
        auto commits = co_await git::commits_between(**found, a, b);
        co_return std::pair(paths.value(), commits.value());
    };
    const auto [paths, commits] = run_here(body(repo.top(), from, to));
    EXPECT_THAT(paths, ElementsAre("a.txt", "b.txt", "c.txt", "d d.txt"));
    ASSERT_EQ(commits.size(), 2u);
    EXPECT_EQ(commits[0].id, to);
    EXPECT_EQ(commits[1].subject, "feat: two");
    EXPECT_EQ(commits[1].body, "Body line.\n\nTask: 7");
    EXPECT_THAT(commits[1].parents, ElementsAre(from));
}

TEST(conventional_message, HasTheFormAndTheTrailers) // F-028, F-029
{
    EXPECT_EQ(git::conventional_message("feat", "auth", "add login", "Add the login page", "login-1a2b3c",
                                        {"Co-Authored-By: CODITECT <noreply@coditect.ai>"}),
              "feat(auth): add login\n\nTask: login-1a2b3c\nDescription: Add the login page\n\n"
              "Co-Authored-By: CODITECT <noreply@coditect.ai>\n");
    EXPECT_EQ(git::conventional_message("fix", "", "x\ny", "", "7", {}),
              "fix: x y\n\nTask: 7\nDescription: N/A\n");
}

} // namespace
} // namespace graftline::test
