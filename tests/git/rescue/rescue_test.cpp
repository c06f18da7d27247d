#include "graftline/git/refs/delete_branch.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/rescue/rescue.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using git::oid;
using testing::HasSubstr;

using saved = result<std::optional<std::string>>;

awaitable<saved> rescue_in(fs::path start, fs::path worktree, std::string task)
{
    auto found = co_await git::repository::discover(start);
    if (!found) co_return found.error();
    co_return co_await git::rescue(**found, worktree, task);
}

class rescuing : public testing::Test {
protected:
    void SetUp() override
    {
        isolate_git();
        repo.write(".gitignore", "*.o\n");
        repo.write("a.txt", "a\n");
        repo.write("b.txt", "b\n");
        repo.commit("base");
        repo.git("worktree", "add", "-q", "-b", "task", tree.string());
    }

    saved rescue(std::string task = "task-1")
    {
        return run_here(rescue_in(repo.top(), tree, std::move(task)));
    }
    /// The rescue's ref; the test fails when there is none.
    std::string rescued(std::string task = "task-1")
    {
        const auto done = rescue(std::move(task));
        EXPECT_TRUE(done) << done.error().message();
        if (!done || !*done) {
            ADD_FAILURE() << "nothing was rescued";
            return "none";
        }
        return **done;
    }
    template <class... W> std::string in_tree(W&&... words)
    {
        return repo.git_in(tree, std::forward<W>(words)...);
    }
    bool reaches(const std::string& ref, const std::string& commit)
    {
        return try_git(repo.top(), {"merge-base", "--is-ancestor", commit, ref}).ok;
    }
    std::string files(const std::string& ref) { return repo.git("ls-tree", "-r", "--name-only", ref); }
    /// A repository with one commit in a folder of the worktree.
    std::string nest(const fs::path& folder, const std::string& text)
    {
        fs::create_directories(folder);
        repo.git_in(folder, "init", "-q");
        write_file(folder / "inner.txt", text);
        repo.git_in(folder, "add", ".");
        repo.git_in(folder, "commit", "-q", "-m", "inner");
        return repo.git_in(folder, "rev-parse", "HEAD");
    }

    test_repository repo;
    fs::path tree = repo.root() / "task";
};

TEST_F(rescuing, ACleanWorktreeNeedsNone)
{
    write_file(tree / "x.o", "ignored\n");
    const auto done = rescue();
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_FALSE(*done);
    EXPECT_EQ(repo.git("for-each-ref", "refs/graftline"), "");
}

TEST_F(rescuing, SavesEditsDeletionsAndUntrackedFilesButNotIgnoredOnes) // W-06
{
    write_file(tree / "a.txt", "edited\n");
    fs::remove(tree / "b.txt");
    write_file(tree / "deep/new.txt", "new\n");
    write_file(tree / "x.o", "ignored\n");
    const auto status = in_tree("status", "--porcelain", "--ignored");
    const auto index = read_file(repo.git_folder() / "worktrees/task/index");
    const auto ref = rescued();
    EXPECT_EQ(ref, "refs/graftline/rescue/task-1/1");
    EXPECT_EQ(files(ref), ".gitignore\na.txt\ndeep/new.txt");
    EXPECT_EQ(repo.git("show", ref + ":a.txt"), "edited");
    EXPECT_EQ(repo.git("rev-parse", ref + "^1"), repo.git("rev-parse", "task"));
    EXPECT_EQ(repo.git("log", "-1", "--format=%an", ref), "graftline");
    // The user's index is the same to the byte.
    EXPECT_EQ(read_file(repo.git_folder() / "worktrees/task/index"), index);
    EXPECT_EQ(in_tree("status", "--porcelain", "--ignored"), status);
    EXPECT_EQ(repo.git("fsck", "--no-dangling"), "");
}

TEST_F(rescuing, SavesFilesWhereASubmoduleWasNeverPopulated)
{
    in_tree("update-index", "--add", "--cacheinfo", "160000," + repo.git("rev-parse", "task") + ",sub");
    in_tree("commit", "-q", "-m", "sub");
    write_file(tree / "sub/new.c", "new\n");
    ASSERT_EQ(in_tree("status", "--porcelain"), "") << "git does not look there";
    const auto ref = rescued();
    EXPECT_EQ(repo.git("show", ref + ":sub/new.c"), "new");
}

TEST_F(rescuing, SavesWhatIsStagedAndDiffersFromTheFiles)
{
    write_file(tree / "a.txt", "staged\n");
    in_tree("add", "a.txt");
    write_file(tree / "a.txt", "on disk\n");
    const auto ref = rescued();
    EXPECT_EQ(repo.git("show", ref + ":a.txt"), "on disk");
    EXPECT_EQ(repo.git("show", ref + "^2:a.txt"), "staged");
    // Staged, and then put back on disk.
    write_file(tree / "a.txt", "a\n");
    const auto second = rescued();
    EXPECT_EQ(second, "refs/graftline/rescue/task-1/2");
    EXPECT_EQ(repo.git("show", second + "^2:a.txt"), "staged");
}

/// As after a power cut: the index names objects that never came to the disk.
TEST_F(rescuing, LeavesOutWhatWasStagedAndIsLost)
{
    write_file(tree / "deep/lost.txt", "lost\n");
    write_file(tree / "deep/there.txt", "there\n");
    write_file(tree / "whole.o", "whole\n");
    in_tree("add", "-f", ".");
    in_tree("write-tree"); // the index has its trees noted
    for (const std::string path : {"deep/lost.txt", "whole.o"}) {
        const auto id = in_tree("rev-parse", ":" + path);
        fs::remove(repo.git_folder() / "objects" / id.substr(0, 2) / id.substr(2));
    }
    fs::resize_file(tree / "deep/lost.txt", 0);
    const auto ref = rescued();
    EXPECT_EQ(files(ref), ".gitignore\na.txt\nb.txt\ndeep/lost.txt\ndeep/there.txt\nwhole.o");
    EXPECT_EQ(repo.git("show", ref + ":deep/lost.txt"), "") << "as it lies there";
    EXPECT_EQ(repo.git("show", ref + ":whole.o"), "whole") << "its bytes are in the file still";
    EXPECT_EQ(files(ref + "^2"), ".gitignore\na.txt\nb.txt\ndeep/there.txt");
    EXPECT_TRUE(try_git(repo.top(), {"rev-list", "--objects", ref}).ok);
    repo.git("worktree", "remove", "--force", tree.string());
    repo.git("gc", "-q", "--prune=now");
}

TEST_F(rescuing, IsNeverOverwrittenAndNotDoubledWithoutNeed)
{
    write_file(tree / "a.txt", "1\n");
    const auto first = rescued();
    const auto tip = repo.git("rev-parse", first);
    EXPECT_EQ(rescued(), first);
    write_file(tree / "a.txt", "2\n");
    const auto second = rescued();
    EXPECT_NE(second, first);
    EXPECT_EQ(repo.git("rev-parse", first), tip);
    EXPECT_EQ(repo.git("show", second + ":a.txt"), "2");
}

/// A task's branch whose commit is missing, empty, garbage, or that is at none: that task's trouble alone.
TEST_F(rescuing, IsNotKeptFromItByAnotherTasksDamagedBranch)
{
    repo.git("checkout", "-q", "-b", "other");
    repo.write("other.txt", "other\n");
    const auto commit = repo.commit("other");
    repo.git("checkout", "-q", "main");
    repo.git("tag", "-a", "-m", "tag", "tagged", "other");
    const auto file = repo.git_folder() / "objects" / commit.substr(0, 2) / commit.substr(2);
    fs::permissions(file, fs::perms::owner_all);
    const std::vector<std::function<void()>> ways{
        [&] { write_file(file, "garbage"); }, [&] { write_file(file, ""); }, [&] { fs::remove(file); },
        [&] { write_file(repo.git_folder() / "refs/heads/other", std::string(40, 'f') + "\n"); },
        [&] { write_file(repo.git_folder() / "refs/heads/other", "garbage\n"); }};
    for (std::size_t at = 0; at < ways.size(); ++at) {
        SCOPED_TRACE(at);
        ways[at]();
        write_file(tree / "a.txt", std::to_string(at) + "\n");
        in_tree("add", ".");
        in_tree("commit", "-q", "-m", "a commit that no branch reaches");
        in_tree("checkout", "-q", "--detach");
        in_tree("branch", "-f", "task", "main");
        const auto ref = rescued();
        EXPECT_EQ(repo.git("show", ref + ":a.txt"), std::to_string(at));
        in_tree("checkout", "-q", "task");
    }
}

TEST_F(rescuing, SeesAnEditOfTheSameSizeInTheSameSecond)
{
    for (const char* text : {"1\n", "2\n", "3\n", "4\n", "5\n"}) {
        in_tree("reset", "-q", "--hard");
        write_file(tree / "a.txt", text); // as long as what it replaces, and as young as the index
        EXPECT_EQ(repo.git("show", rescued() + ":a.txt") + "\n", text);
    }
}

TEST_F(rescuing, SavesADetachedHeadAndCommitsThatOnlyItsReflogKnows) // W-19
{
    write_file(tree / "a.txt", "amended away\n");
    in_tree("commit", "-q", "-am", "first");
    const auto first = in_tree("rev-parse", "HEAD");
    in_tree("commit", "-q", "--amend", "-m", "second");
    in_tree("reset", "-q", "--hard", "main");
    in_tree("checkout", "-q", "--detach");
    write_file(tree / "c.txt", "c\n");
    in_tree("add", ".");
    in_tree("commit", "-q", "-m", "detached");
    const auto detached = in_tree("rev-parse", "HEAD");
    const auto ref = rescued();
    EXPECT_TRUE(reaches(ref, first));
    EXPECT_TRUE(reaches(ref, detached));
    repo.git("worktree", "remove", "--force", tree.string());
    repo.git("branch", "-q", "-D", "task");
    repo.git("reflog", "expire", "--expire=now", "--all");
    repo.git("gc", "-q", "--prune=now");
    EXPECT_EQ(repo.git("show", first + ":a.txt"), "amended away");
    EXPECT_EQ(repo.git("show", detached + ":c.txt"), "c");
}

TEST_F(rescuing, SavesAStateInTheMiddleOfAMerge)
{
    write_file(tree / "a.txt", "task\n");
    in_tree("commit", "-q", "-am", "task");
    repo.commit_file("a.txt", "main\n");
    EXPECT_FALSE(try_git(tree, {"merge", "-q", "main"}).ok);
    const auto ref = rescued();
    EXPECT_THAT(repo.git("show", ref + ":a.txt"), HasSubstr("<<<<<<<"));
}

TEST_F(rescuing, LooksBehindAssumeUnchangedAndSkipWorktree)
{
    in_tree("update-index", "--assume-unchanged", "a.txt");
    in_tree("update-index", "--skip-worktree", "b.txt");
    write_file(tree / "a.txt", "hidden 1\n");
    write_file(tree / "b.txt", "hidden 2\n");
    EXPECT_EQ(in_tree("status", "--porcelain"), "");
    const auto flags = in_tree("ls-files", "-v");
    const auto ref = rescued();
    EXPECT_EQ(repo.git("show", ref + ":a.txt"), "hidden 1");
    EXPECT_EQ(repo.git("show", ref + ":b.txt"), "hidden 2");
    EXPECT_EQ(in_tree("ls-files", "-v"), flags);
}

TEST_F(rescuing, ASparseCheckoutLosesNothingAndDeletesNothing)
{
    write_file(tree / "other/o.txt", "o\n");
    write_file(tree / "deep/d.txt", "d\n");
    in_tree("add", ".");
    in_tree("commit", "-q", "-m", "folders");
    in_tree("sparse-checkout", "set", "deep");
    ASSERT_FALSE(fs::exists(tree / "other"));
    const auto clean = rescue();
    ASSERT_TRUE(clean) << clean.error().message();
    EXPECT_FALSE(*clean);
    write_file(tree / "other/new.txt", "outside of the patterns\n");
    const auto ref = rescued();
    EXPECT_EQ(repo.git("show", ref + ":other/new.txt"), "outside of the patterns");
    EXPECT_EQ(repo.git("show", ref + ":other/o.txt"), "o");
}

TEST_F(rescuing, BypassesHooksSigningAndFiltersThatFail)
{
    for (const char* name : {"pre-commit", "commit-msg", "post-index-change", "reference-transaction"}) {
        const fs::path file = repo.git_folder() / "hooks" / name;
        // A hook may refuse ref changes for a reason; this one only leaves a trace.
        write_file(file, std::string("#!/bin/sh\necho ran >> ") + (repo.root() / name).string() + "\n");
        fs::permissions(file, fs::perms::owner_all);
    }
    repo.git("config", "commit.gpgSign", "true");
    repo.git("config", "gpg.program", "/bin/false");
    repo.git("config", "filter.broken.clean", "/bin/false");
    repo.git("config", "filter.broken.required", "true");
    write_file(tree / ".gitattributes", "*.bin filter=broken\n*.utf working-tree-encoding=UTF-16\n");
    write_file(tree / "x.bin", "kept\n");
    write_file(tree / "y.utf", "odd");
    write_file(tree / "x.o", "ignored\n");
    const auto ref = rescued();
    EXPECT_EQ(repo.git("show", ref + ":x.bin"), "kept");
    EXPECT_EQ(repo.git("show", ref + ":y.utf"), "odd");
    EXPECT_EQ(files(ref), ".gitattributes\n.gitignore\na.txt\nb.txt\nx.bin\ny.utf");
    EXPECT_FALSE(fs::exists(repo.root() / "pre-commit"));
    EXPECT_FALSE(fs::exists(repo.root() / "post-index-change"));
}

TEST_F(rescuing, NeedsNoIdentityOfTheUser)
{
    repo.git("config", "user.name", "");
    repo.git("config", "user.email", "");
    repo.git("config", "user.useConfigOnly", "true");
    write_file(tree / "a.txt", "edited\n");
    EXPECT_EQ(repo.git("log", "-1", "--format=%cn <%ce>", rescued()), "graftline <graftline@localhost>");
}

TEST_F(rescuing, SavesNestedRepositoriesWithTheirCommitsAndFiles)
{
    const auto inner = nest(tree / "lib", "committed\n");
    write_file(tree / "lib/inner.txt", "edited\n");
    write_file(tree / "lib/more.txt", "untracked\n");
    const auto deepest = nest(tree / "lib/deep", "deepest\n");
    fs::create_directories(tree / "empty[1]");
    repo.git_in(tree / "empty[1]", "init", "-q");
    write_file(tree / "empty[1]/only.txt", "no commit yet\n");
    const auto ref = rescued();
    // Each lies beside the rescue, and the tree names the commit that stands for it.
    const auto link = repo.git("rev-parse", ref + ":lib");
    EXPECT_TRUE(reaches(link, inner));
    EXPECT_EQ(repo.git("show", link + ":inner.txt"), "edited");
    EXPECT_EQ(repo.git("show", link + ":more.txt"), "untracked");
    EXPECT_TRUE(reaches(repo.git("rev-parse", link + ":deep"), deepest));
    EXPECT_EQ(repo.git("show", repo.git("rev-parse", ref + ":empty[1]") + ":only.txt"), "no commit yet");
    EXPECT_THAT(repo.git("for-each-ref", "--format=%(refname)", "refs/graftline"),
                HasSubstr(ref + ".nested/3"));
    EXPECT_THAT(repo.git("log", "-1", "--format=%B", ref), HasSubstr("lib/deep"));
    fs::remove_all(tree);
    repo.git("worktree", "prune");
    repo.git("gc", "-q", "--prune=now");
    EXPECT_EQ(repo.git("show", deepest + ":inner.txt"), "deepest");
}

TEST_F(rescuing, SavesCommitsOfSubmodules)
{
    const fs::path library = repo.root() / "library";
    nest(library, "upstream\n");
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.string(), "sub");
    repo.commit("with a submodule");
    in_tree("reset", "-q", "--hard", "main");
    in_tree("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init");
    const auto clean = rescue();
    ASSERT_TRUE(clean) << clean.error().message();
    EXPECT_FALSE(*clean); // upstream has all of it

    write_file(tree / "sub/inner.txt", "work in the submodule\n");
    repo.git_in(tree / "sub", "commit", "-q", "-am", "only here");
    const auto inner = repo.git_in(tree / "sub", "rev-parse", "HEAD");
    write_file(tree / "sub/inner.txt", "and not committed\n");
    const auto ref = rescued();
    EXPECT_TRUE(reaches(ref + ".nested/1", inner));
    EXPECT_EQ(repo.git("show", ref + ".nested/1:inner.txt"), "and not committed");

    // Its folder is gone, its commits are in the worktree's git folder only.
    repo.git_in(tree / "sub", "reset", "-q", "--hard", "origin/HEAD");
    repo.git_in(tree / "sub", "commit", "-q", "--allow-empty", "-m", "another");
    const auto another = repo.git_in(tree / "sub", "rev-parse", "HEAD");
    in_tree("submodule", "--quiet", "deinit", "-f", "sub");
    const auto second = rescued("task-2");
    EXPECT_TRUE(reaches(second + ".nested/1", another));
    // Its configuration names a work tree that is away.
    fs::remove_all(tree);
    EXPECT_TRUE(reaches(rescued("task-3") + ".nested/1", another));
}

TEST_F(rescuing, SavesWhatAWorktreeWhoseFolderIsGoneStillHas) // W-19: the folder was deleted
{
    in_tree("checkout", "-q", "--detach");
    in_tree("commit", "-q", "--allow-empty", "-m", "detached");
    const auto detached = in_tree("rev-parse", "HEAD");
    write_file(tree / "a.txt", "staged\n");
    in_tree("add", "a.txt");
    fs::remove_all(tree);
    const auto ref = rescued();
    EXPECT_TRUE(reaches(ref, detached));
    EXPECT_EQ(repo.git("show", ref + ":a.txt"), "staged");
}

TEST_F(rescuing, SavesFilesWhenTheTaskDeletedOrReplacedDotGit)
{
    write_file(tree / "a.txt", "edited\n");
    fs::remove(tree / ".git");
    EXPECT_EQ(repo.git("show", rescued() + ":a.txt"), "edited");
    repo.git_in(tree, "init", "-q");
    repo.git_in(tree, "add", ".");
    repo.git_in(tree, "commit", "-q", "-m", "in a repository of its own");
    const auto own = repo.git_in(tree, "rev-parse", "HEAD");
    const auto ref = rescued();
    EXPECT_TRUE(reaches(ref + ".nested/1", own));
    EXPECT_EQ(repo.git("show", ref + ":a.txt"), "edited");
}

TEST_F(rescuing, RefusesWhatItCannotJudge)
{
    // Not a worktree at all.
    tree = repo.root() / "foreign";
    write_file(tree / "x.txt", "x\n");
    auto done = rescue();
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().is(errc::refused));
    // A checkout that was never finished: every file would look deleted.
    tree = repo.root() / "half";
    repo.git("worktree", "add", "-q", "--no-checkout", "-b", "half", tree.string());
    done = rescue();
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().is(errc::refused));
    EXPECT_EQ(repo.git("for-each-ref", "refs/graftline"), "");
}

TEST_F(rescuing, FailsWhenSomethingCannotBeSaved)
{
    nest(tree / "lib", "inner\n");
    fs::remove(tree / "lib/.git/objects/info");
    for (const auto& entry : fs::directory_iterator(tree / "lib/.git/objects"))
        if (entry.path().filename().string().size() == 2) fs::remove_all(entry.path());
    EXPECT_FALSE(rescue());
}

TEST_F(rescuing, SurvivesAGarbageCollectionAtTheSameTime) // git.md 4
{
    for (int round = 0; round < 5; ++round) {
        write_file(tree / "a.txt", "round " + std::to_string(round) + "\n");
        const auto ref = rescued();
        repo.git("gc", "-q", "--prune=now");
        EXPECT_EQ(repo.git("show", ref + ":a.txt"), "round " + std::to_string(round));
    }
    for (const auto& entry : fs::directory_iterator(repo.git_folder() / "objects/pack"))
        EXPECT_NE(entry.path().extension(), ".keep") << "left behind";
}

TEST_F(rescuing, SavesABranchThatNothingElseReaches)
{
    write_file(tree / "a.txt", "work\n");
    in_tree("commit", "-q", "-am", "work");
    const oid tip(in_tree("rev-parse", "HEAD"));
    auto body = [](fs::path start, oid commit, std::string except) -> awaitable<saved> {
        auto found = co_await git::repository::discover(start);
        if (!found) co_return found.error();
        co_return co_await git::rescue_commit(**found, commit, "task-1", except);
    };
    auto reached = run_here(body(repo.top(), tip, ""));
    ASSERT_TRUE(reached) << reached.error().message();
    EXPECT_FALSE(*reached);
    auto kept = run_here(body(repo.top(), tip, "refs/heads/task"));
    ASSERT_TRUE(kept) << kept.error().message();
    ASSERT_TRUE(*kept);
    EXPECT_EQ(repo.git("rev-parse", **kept), tip.hex());
}

// ---- branches

class deleting : public rescuing {
protected:
    result<bool> remove(const std::string& branch, const std::string& seen)
    {
        auto body = [](fs::path start, std::string name, oid tip) -> awaitable<result<bool>> {
            auto found = co_await git::repository::discover(start);
            if (!found) co_return found.error();
            co_return co_await git::delete_branch(**found, name, tip);
        };
        return run_here(body(repo.top(), branch, oid(repo.git("rev-parse", seen))));
    }
    bool exists(const std::string& branch)
    {
        return try_git(repo.top(), {"rev-parse", "-q", "--verify", "refs/heads/" + branch}).ok;
    }
};

TEST_F(deleting, AFreeBranchAtTheTipThatWasSeen)
{
    repo.git("branch", "free", "main");
    repo.git("config", "branch.free.description", "x");
    const auto gone = remove("free", "main");
    ASSERT_TRUE(gone) << gone.error().message();
    EXPECT_TRUE(*gone);
    EXPECT_FALSE(exists("free"));
    EXPECT_FALSE(try_git(repo.top(), {"config", "branch.free.description"}).ok);
    EXPECT_TRUE(remove("free", "main").value()); // it was gone already
}

TEST_F(deleting, NotWhenItHasMoved) // W-01
{
    const auto seen = repo.git("rev-parse", "main");
    repo.git("branch", "moving", "main");
    repo.git("update-ref", "refs/heads/moving",
             repo.git("commit-tree", "-p", "main", "-m", "more", "main^{tree}"));
    EXPECT_FALSE(remove("moving", seen).value());
    EXPECT_TRUE(exists("moving"));
}

TEST_F(deleting, NeverUnderAnybodysHead)
{
    EXPECT_FALSE(remove("task", "main").value());
    EXPECT_FALSE(remove("main", "main").value());
    fs::rename(tree, repo.root() / "away"); // a mount that is away is still somebody's
    EXPECT_FALSE(remove("task", "main").value());
    EXPECT_TRUE(exists("task"));
}

TEST_F(deleting, NeverUnderARebaseOrABisect)
{
    write_file(tree / "a.txt", "task\n");
    in_tree("commit", "-q", "-am", "task");
    repo.commit_file("a.txt", "main\n");
    EXPECT_FALSE(try_git(tree, {"rebase", "-q", "main"}).ok);
    EXPECT_FALSE(remove("task", "task").value());
    in_tree("rebase", "--abort");
    in_tree("bisect", "start", "task", "main");
    in_tree("checkout", "-q", "--detach");
    EXPECT_FALSE(remove("task", "task").value());
    EXPECT_TRUE(exists("task"));
}

TEST_F(deleting, DoesNotFollowASymbolicBranch)
{
    repo.git("symbolic-ref", "refs/heads/alias", "refs/heads/other");
    repo.git("branch", "other", "main");
    EXPECT_TRUE(remove("alias", "main"));
    EXPECT_TRUE(exists("other"));
}

TEST_F(rescuing, ASplitIndexIsAsGoodAsAWholeOne)
{
    repo.git("config", "core.splitIndex", "true");
    repo.git_in(tree, "update-index", "--split-index");
    write_file(tree / "new.txt", "new\n");
    write_file(tree / "staged.txt", "staged\n");
    repo.git_in(tree, "add", "staged.txt");
    const auto ref = rescued();
    EXPECT_EQ(files(ref), ".gitignore\na.txt\nb.txt\nnew.txt\nstaged.txt");
    EXPECT_EQ(repo.git("show", ref + ":staged.txt"), "staged");
}

TEST_F(rescuing, WhatItWritesIsSharedAsTheRepositoryIs)
{
    repo.git("config", "core.sharedRepository", "group");
    const auto before = ::umask(0077);
    write_file(tree / "new/file.txt", "new\n");
    const auto ref = rescued();
    ::umask(before);
    const auto blob = repo.git("rev-parse", ref + ":new/file.txt");
    const auto file = repo.git_folder() / "objects" / blob.substr(0, 2) / blob.substr(2);
    EXPECT_NE(fs::status(file).permissions() & fs::perms::group_read, fs::perms::none);
    EXPECT_NE(fs::status(file.parent_path()).permissions() & fs::perms::group_write, fs::perms::none);
}

} // namespace
} // namespace graftline::test
