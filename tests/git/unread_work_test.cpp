// Work that git cannot read, does not look for, or would wait for: it is never taken for nothing.
#include "graftline/git/commits/commit.hpp"
#include "graftline/git/refs/own_worktree.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/rescue/holds_nothing.hpp"
#include "graftline/git/rescue/rescue.hpp"
#include "graftline/git/rules/filters.hpp"
#include "graftline/git/worktree/present_work.hpp"
#include "graftline/git/worktree/worktree.hpp"

#include "tests/support/hang_guard.hpp"
#include "tests/support/ordinary_user.hpp"
#include "tests/support/test_repository.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;
using test::run_here;
using test::write_file;
using testing::HasSubstr;

/// A worktree of ours.
class bench {
public:
    bench()
    {
        test::isolate_git();
        made.write(".gitignore", "ignored/\n*.o\n");
        made.write("a", "a\n");
        made.write("src/a.c", "c\n");
        made.commit("base");
        repo = run_here(io, repository::discover(made.top())).value();
        add(tree, "one");
    }
    void add(const fs::path& folder, const std::string& name)
    {
        const oid base(made.git("rev-parse", "main"));
        run_here(
            io, add_worktree(*repo, worktree_request(folder, "task/" + name, base).lock("graftline " + name)))
            .value();
    }
    result<std::optional<oid>> commit()
    {
        return run_here(io, commit_everything(*repo, tree, commit_request("feat: work\n")));
    }
    result<std::optional<std::string>> save() { return run_here(io, rescue(*repo, tree, "one")); }
    std::string saved()
    {
        auto ref = save();
        EXPECT_TRUE(ref) << ref.error().message();
        return ref && *ref ? **ref : "none";
    }
    result<void> remove() { return run_here(io, remove_worktree(*repo, tree, "graftline one")); }
    bool is_nothing()
    {
        return run_here(io, holds_nothing(*repo, workplace(made.git_folder() / "worktrees/one", tree, true)));
    }
    std::string in_tree(std::vector<std::string> words) const
    {
        auto answer = test::try_git(tree, std::move(words));
        EXPECT_TRUE(answer.ok) << answer.err;
        return answer.out;
    }
    std::string files(const std::string& commit) { return made.git("ls-tree", "-r", "--name-only", commit); }
    bool reaches(const std::string& ref, const std::string& commit)
    {
        return test::try_git(made.top(), {"merge-base", "--is-ancestor", commit, ref}).ok;
    }
    /// A repository with a commit of its own; gives that commit.
    std::string nest(const fs::path& folder)
    {
        fs::create_directories(folder);
        made.git_in(folder, "init", "-q");
        made.git_in(folder, "commit", "-q", "--allow-empty", "-m", "inner");
        return made.git_in(folder, "rev-parse", "HEAD");
    }

    asio::io_context io{1};
    test::test_repository made;
    fs::path tree = made.root() / "trees" / "one";
    std::shared_ptr<repository> repo;
};

void make_pipe(const fs::path& path)
{
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
}

/// A folder in which nothing can be opened by a path from `top`.
void make_too_deep(const fs::path& top)
{
    int at = ::open(top.c_str(), O_RDONLY | O_DIRECTORY);
    for (int level = 0; level < 20; ++level) {
        const std::string name(240, 'd');
        ASSERT_EQ(::mkdirat(at, name.c_str(), 0700), 0);
        const int next = ::openat(at, name.c_str(), O_RDONLY | O_DIRECTORY);
        ::close(at);
        at = next;
    }
    const int file = ::openat(at, "precious", O_WRONLY | O_CREAT, 0600);
    ASSERT_GE(file, 0);
    ::close(file);
    ::close(at);
}

TEST(UnreadWork, WhatItsOwnerMayNotReadIsMadeReadableAndCommitted)
{
    test::as_ordinary_user([] {
        bench b;
        write_file(b.tree / "d/e/precious", "p\n");
        write_file(b.tree / "locked", "l\n");
        fs::permissions(b.tree / "d/e", fs::perms::none);
        fs::permissions(b.tree / "d", fs::perms::none);
        fs::permissions(b.tree / "locked", fs::perms::none);
        fs::permissions(b.tree / "a", fs::perms::none);
        EXPECT_FALSE(b.is_nothing());
        const auto commit = b.commit();
        ASSERT_TRUE(commit) << commit.error().message();
        ASSERT_TRUE(*commit);
        EXPECT_EQ(b.files((*commit)->hex()), ".gitignore\na\nd/e/precious\nlocked\nsrc/a.c");
        EXPECT_EQ(b.made.git("show", (*commit)->hex() + ":locked"), "l");
        EXPECT_THAT(b.made.git("ls-tree", (*commit)->hex(), "locked"), HasSubstr("100644"));
    });
}

TEST(UnreadWork, WhatItsOwnerMayNotReadIsMadeReadableAndRescued)
{
    test::as_ordinary_user([] {
        bench b;
        write_file(b.tree / "d/precious", "p\n");
        write_file(b.tree / "ignored/cache", "c\n");
        fs::permissions(b.tree / "d", fs::perms::none);
        fs::permissions(b.tree / "ignored", fs::perms::none);
        fs::permissions(b.made.git_folder() / "worktrees/one/logs/HEAD", fs::perms::none);
        EXPECT_FALSE(b.save()) << "what its reflog remembers cannot be read";
        fs::permissions(b.made.git_folder() / "worktrees/one/logs/HEAD", fs::perms::owner_all);
        EXPECT_EQ(b.made.git("show", b.saved() + ":d/precious"), "p");
        EXPECT_TRUE(b.remove());
        EXPECT_FALSE(fs::exists(b.tree));
    });
}

TEST(UnreadWork, BelowAPathThatIsTooLongKeepsTheWorktree)
{
    bench b;
    make_too_deep(b.tree);
    EXPECT_FALSE(b.is_nothing());
    for (const fault& why : {b.commit().error(), b.save().error()}) {
        EXPECT_TRUE(why.is(errc::refused)) << why.message();
        EXPECT_THAT(why.message(), HasSubstr("longer than git can open"));
        EXPECT_THAT(why.message(), HasSubstr("dddd"));
    }
    write_file(b.tree / ".gitignore", "ignored/\nd*/\n");
    EXPECT_TRUE(b.commit()) << "what is ignored is left out anyway";
    EXPECT_TRUE(b.save());
}

TEST(UnreadWork, NoGitWaitsForAPipeThatHasTheNameOfOneOfItsFiles)
{
    for (const char* name :
         {".gitignore", "src/.gitignore", ".gitattributes", "src/.gitmodules", "new/.git/HEAD"}) {
        bench b;
        fs::remove(b.tree / name);
        fs::create_directories((b.tree / name).parent_path());
        make_pipe(b.tree / name);
        write_file(b.tree / "x", "x\n");
        EXPECT_FALSE(b.is_nothing());
        const auto seen = run_here(b.io, status_of(*b.repo, b.tree, std::nullopt));
        const auto work = run_here(b.io, look_at_work(*b.repo, b.tree, filter_drivers(), std::nullopt));
        for (const fault& why : {b.commit().error(), b.save().error(), seen.error(), work.error()}) {
            EXPECT_TRUE(why.is(errc::refused)) << why.message();
            EXPECT_THAT(why.message(), HasSubstr(name));
            EXPECT_THAT(why.message(), HasSubstr("a pipe"));
        }
        fs::remove(b.tree / name);
        EXPECT_TRUE(b.commit());
    }
}

TEST(UnreadWork, NoGitWaitsForAPipeInItsOwnFolder)
{
    bench b;
    write_file(b.tree / "x", "x\n");
    const auto head = b.made.git_folder() / "worktrees/one/ORIG_HEAD";
    make_pipe(head);
    EXPECT_THAT(b.commit().error().message(), HasSubstr("ORIG_HEAD"));
    EXPECT_FALSE(b.save());
    fs::remove(head);
    EXPECT_TRUE(b.save());
}

TEST(UnreadWork, ALinkWithTheNameOfOneOfGitsFilesIsNoObstacle)
{
    bench b;
    fs::create_symlink("a", b.tree / "src/.gitignore");
    const auto commit = b.commit();
    ASSERT_TRUE(commit) << commit.error().message();
    EXPECT_TRUE(b.is_nothing());
}

TEST(UnreadWork, CommitsOfARepositoryInAnIgnoredFolderAreSaved)
{
    bench b;
    const auto inner = b.nest(b.tree / "ignored/tool");
    b.made.git("init", "-q", "--bare", (b.tree / "ignored/bare.git").string());
    b.made.git_in(b.tree / "ignored/tool", "commit", "-q", "--allow-empty", "-m", "pushed");
    b.made.git_in(b.tree / "ignored/tool", "push", "-q", "../bare.git", "HEAD:refs/heads/main");
    write_file(b.tree / "ignored/tool/edit", "edited\n");
    EXPECT_FALSE(b.is_nothing());
    const auto ref = b.saved();
    EXPECT_EQ(b.files(ref), ".gitignore\na\nsrc/a.c") << "what is ignored stays out of the tree";
    EXPECT_TRUE(b.reaches(ref + ".nested/1", inner));
    EXPECT_EQ(b.made.git("show", ref + ".nested/1:edit"), "edited");
    EXPECT_EQ(b.made.git("log", "-1", "--format=%s", ref + ".nested/2"), "pushed");
    EXPECT_THAT(b.made.git("log", "-1", "--format=%B", ref), HasSubstr("ignored/tool"));
}

TEST(UnreadWork, ACloneInAnIgnoredFolderThatHasNothingOfItsOwnNeedsNoRescue)
{
    bench b;
    b.made.git("clone", "-q", b.made.top().string(), (b.tree / "ignored/clone").string());
    EXPECT_EQ(b.save().value(), std::nullopt);
}

TEST(UnreadWork, CommitsOfARepositoryAroundTrackedFilesAreSaved)
{
    bench b;
    const auto inner = b.nest(b.tree / "src");
    write_file(b.tree / "src/new.c", "n\n");
    const auto ref = b.saved();
    EXPECT_EQ(b.files(ref), ".gitignore\na\nsrc/a.c\nsrc/new.c");
    EXPECT_TRUE(b.reaches(ref + ".nested/1", inner));
}

TEST(UnreadWork, ADamagedRepositoryInsideKeepsTheWorktree)
{
    bench b;
    b.nest(b.tree / "ignored/lib");
    fs::remove(b.tree / "ignored/lib/.git/HEAD");
    EXPECT_FALSE(b.is_nothing());
    const auto done = b.save();
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message(), HasSubstr("ignored/lib"));
    EXPECT_THAT(done.error().what(), HasSubstr("a repository inside the worktree does not read"));
    fs::remove_all(b.tree / "ignored/lib/.git");
    fs::create_directory(b.tree / "ignored/lib/.git");
    EXPECT_TRUE(b.save()) << "an empty folder is no repository";
}

TEST(UnreadWork, ARepositoryInsideThatCannotBeCommittedIsNamedWithTheNextStep)
{
    bench b;
    b.made.git("init", "-q", (b.tree / "lib").string());
    write_file(b.tree / "lib/file", "f\n");
    const auto unborn = b.commit();
    ASSERT_FALSE(unborn);
    EXPECT_TRUE(unborn.error().is(errc::refused)) << unborn.error().message();
    EXPECT_THAT(unborn.error().message(), HasSubstr((b.tree / "lib").string()));
    b.made.git_in(b.tree / "lib", "add", ".");
    b.made.git_in(b.tree / "lib", "commit", "-q", "-m", "inner");
    fs::remove_all(b.tree / "lib/.git/objects");
    fs::create_directory(b.tree / "lib/.git/objects");
    const fault why = b.save().error();
    EXPECT_TRUE(why.is(errc::refused)) << why.message();
    EXPECT_THAT(why.message(), HasSubstr((b.tree / "lib").string()));
    EXPECT_THAT(why.message(), HasSubstr("does not read"));
    EXPECT_FALSE(why.advice().empty());
}

TEST(UnreadWork, ANameThatGitTakesForItsFolderElsewhereIsNamedAndSaved)
{
    bench b;
    write_file(b.tree / "git~1", "precious\n"); // .git on NTFS
    write_file(b.tree / "work", "w\n");
    const auto commit = b.commit();
    ASSERT_FALSE(commit);
    EXPECT_TRUE(commit.error().is(errc::refused)) << commit.error().message();
    EXPECT_THAT(commit.error().message(), HasSubstr("git takes no file of this name: git~1"));
    EXPECT_THAT(commit.error().advice(), HasSubstr("Rename it"));
    EXPECT_EQ(b.in_tree({"diff", "--cached", "--name-only"}), "") << "the index is as it was";
    const auto ref = b.saved();
    EXPECT_EQ(b.made.git("show", ref + ":git~1"), "precious");
    EXPECT_EQ(b.made.git("show", ref + ":work"), "w");
    EXPECT_TRUE(b.remove());
}

TEST(UnreadWork, ANameThatNoGitTakesIsNamed)
{
    bench b;
    write_file(b.tree / "deep/.GIT/precious", "p\n");
    const auto commit = b.commit();
    const auto ref = b.save();
    ASSERT_FALSE(commit);
    ASSERT_FALSE(ref);
    for (const fault& why : {commit.error(), ref.error()}) {
        EXPECT_THAT(why.message(), HasSubstr("git takes no file of this name: deep/.GIT/precious"));
        EXPECT_THAT(why.advice(), HasSubstr("Rename it"));
    }
    fs::rename(b.tree / "deep/.GIT", b.tree / "deep/renamed");
    EXPECT_EQ(b.made.git("show", b.saved() + ":deep/renamed/precious"), "p");
}

TEST(UnreadWork, ARecordThatMayNotBeReadIsNotNone)
{
    test::as_ordinary_user([] {
        bench b;
        const auto record = b.made.git_folder() / "worktrees/one";
        fs::permissions(record, fs::perms::none);
        const auto saved = b.save();
        ASSERT_FALSE(saved);
        EXPECT_THAT(saved.error().message(), HasSubstr(record.string()));
        EXPECT_THAT(saved.error().message(), HasSubstr("Permission denied"));
        fs::permissions(record, fs::perms::owner_all);
    });
}

TEST(UnreadWork, AWorktreeOfAnotherRepositoryInsideIsLeftToIt)
{
    bench b;
    test::test_repository other;
    other.commit_file("secret", "s\n");
    other.git("worktree", "add", "-q", (b.tree / "ignored/other").string());
    EXPECT_EQ(b.save().value(), std::nullopt) << "its commits stay where they are";
    write_file(b.tree / "ignored/other/new", "n\n");
    const auto done = b.save();
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().message(), HasSubstr("ignored/other"));
    EXPECT_EQ(b.made.git("for-each-ref", "refs/graftline"), "");
}

TEST(UnreadWork, AFolderBehindALinkThatTookAWorktreesPlaceIsNotSaved)
{
    bench b;
    write_file(b.tree / "a", "staged\n");
    b.in_tree({"add", "a"});
    write_file(b.made.root() / "private/id_rsa", "PRIVATE\n");
    fs::remove_all(b.tree);
    fs::create_directory_symlink(b.made.root() / "private", b.tree);
    const auto ref = b.saved();
    EXPECT_EQ(b.made.git("show", ref + ":a"), "staged");
    EXPECT_THAT(b.files(ref), testing::Not(HasSubstr("id_rsa")));
    const auto gone = b.remove();
    ASSERT_FALSE(gone);
    EXPECT_THAT(gone.error().message(), HasSubstr("symbolic link"));
    EXPECT_TRUE(fs::exists(b.made.root() / "private/id_rsa"));
}

TEST(UnreadWork, AFolderThatGitsRecordIsMadeToLeadToIsNotTheWorktree)
{
    bench b;
    write_file(b.made.root() / "private/id_rsa", "PRIVATE\n");
    write_file(b.made.git_folder() / "worktrees/one/gitdir", (b.made.root() / "private/.git\n").string());
    EXPECT_FALSE(find_own_worktree(*b.repo, b.tree, "graftline one", "task/one").value());
    EXPECT_FALSE(b.save()) << "what lies in the worktree could not be told from what is on record";
    EXPECT_EQ(b.made.git("for-each-ref", "refs/graftline"), "");
}

TEST(UnreadWork, AWorktreeWhoseDotGitNamesAnothersFolderIsNotWorkedIn)
{
    bench b;
    const auto two = b.made.root() / "trees" / "two";
    b.add(two, "two");
    fs::copy_file(two / ".git", b.tree / ".git", fs::copy_options::overwrite_existing);
    write_file(b.tree / "mine", "m\n");
    const auto ours = check_worktree(*b.repo, b.tree, "graftline one", "task/one");
    ASSERT_FALSE(ours);
    EXPECT_THAT(ours.error().message(), HasSubstr("worktrees/two"));
    EXPECT_FALSE(b.is_nothing());
    const auto ref = b.saved();
    EXPECT_EQ(b.made.git("show", ref + ":mine"), "m");
    EXPECT_EQ(test::try_git(two, {"status", "--porcelain"}).out, "");
    EXPECT_FALSE(b.remove());
    b.made.git("worktree", "repair");
    EXPECT_TRUE(check_worktree(*b.repo, b.tree, "graftline one", "task/one"));
    EXPECT_TRUE(b.remove());
}

} // namespace
} // namespace graftline::git
