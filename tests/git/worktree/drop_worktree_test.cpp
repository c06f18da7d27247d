// Where the folders of removed worktrees go, and what a killed process leaves of them.
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/worktree/drop_worktree.hpp"
#include "graftline/git/worktree/worktree.hpp"

#include "tests/support/test_repository.hpp"
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;
using test::run_here;

dev_t device_of(const fs::path& path)
{
    struct stat info{};
    return ::stat(path.c_str(), &info) == 0 ? info.st_dev : 0;
}

/// Worktrees on another file system than the repository.
class WorktreesElsewhere : public testing::Test {
protected:
    WorktreesElsewhere()
    {
        base = oid(made.commit_file("a", "a\n"));
        repo = run_here(io, repository::discover(made.top())).value();
    }
    void SetUp() override
    {
        std::string name = "/dev/shm/graftline-test-XXXXXX";
        if (device_of("/dev/shm") == device_of(made.root()) || !::mkdtemp(name.data()))
            GTEST_SKIP() << "there is no other file system in /dev/shm";
        elsewhere = name;
    }
    void TearDown() override
    {
        std::error_code ignored;
        if (!elsewhere.empty()) fs::remove_all(elsewhere, ignored);
    }
    void add_and_remove(const std::string& name)
    {
        run_here(io,
                 add_worktree(*repo, worktree_request(elsewhere / name, "task/" + name, base).lock("ours")))
            .value();
        run_here(io, remove_worktree(*repo, elsewhere / name, "ours")).value();
    }
    fs::path trash() const { return made.git_folder() / "graftline" / "trash"; }

    asio::io_context io{1};
    test::test_repository made;
    oid base;
    std::shared_ptr<repository> repo;
    fs::path elsewhere;
};

TEST_F(WorktreesElsewhere, LeaveNothing)
{
    add_and_remove("one");
    EXPECT_TRUE(fs::is_empty(elsewhere));
    EXPECT_TRUE(fs::is_empty(trash()));
}

TEST_F(WorktreesElsewhere, OfAKilledProcessAreDeletedByTheNext)
{
    const pid_t gone = ::fork();
    if (gone == 0) ::_exit(0);
    ASSERT_EQ(::waitpid(gone, nullptr, 0), gone);
    const auto dead = std::to_string(gone) + "-1";
    const auto beside = elsewhere / (".two.removed-" + dead);
    test::write_file(beside / "big", "big\n");
    const auto users = elsewhere / ".mine";
    test::write_file(users / "file", "mine\n");
    test::write_file(trash() / dead, beside.string());
    test::write_file(trash() / (std::to_string(gone) + "-2"), users.string()); // no name of ours
    add_and_remove("one");
    EXPECT_FALSE(fs::exists(beside));
    EXPECT_TRUE(fs::exists(users / "file"));
    EXPECT_TRUE(fs::is_empty(trash()));
}

TEST(RemovedWorktree, IsForgottenAsAWholeAndTheOthersAreNot)
{
    asio::io_context io{1};
    test::test_repository made;
    const oid base(made.commit_file("a", "a\n"));
    const auto repo = run_here(io, repository::discover(made.top())).value();
    const auto add = [&](const std::string& name) {
        auto request = worktree_request(made.root() / name, "task/" + name, base).lock("ours");
        run_here(io, add_worktree(*repo, std::move(request))).value();
    };
    const auto records = made.git_folder() / "worktrees";
    add("one");
    add("two");
    fs::remove_all(made.root() / "two"); // its folder is away
    run_here(io, remove_worktree(*repo, made.root() / "one", "ours")).value();
    EXPECT_FALSE(fs::exists(records / "one"));
    EXPECT_TRUE(fs::exists(records / "two" / "gitdir"));
    EXPECT_EQ(run_here(io, list_worktrees(*repo)).value().size(), 2u);
    // Of a record that a killed process had just moved away nothing stays either.
    const pid_t gone = ::fork();
    if (gone == 0) ::_exit(0);
    ASSERT_EQ(::waitpid(gone, nullptr, 0), gone);
    const auto trash = made.git_folder() / "graftline" / "trash";
    fs::rename(records / "two", trash / (std::to_string(gone) + "-1"));
    add("three");
    run_here(io, remove_worktree(*repo, made.root() / "three", "ours")).value();
    EXPECT_TRUE(fs::is_empty(trash));
    EXPECT_FALSE(fs::exists(records)) << "as git leaves it";
    EXPECT_EQ(made.git("worktree", "list").find('\n'), std::string::npos);
    EXPECT_EQ(run_here(io, drop_worktree(*repo, made.top())).error().code(),
              make_error_code(errc::not_found));
    EXPECT_TRUE(fs::exists(made.top() / "a"));
}

/// False where the file system knows no such thing, or we may not.
bool set_immutable(const fs::path& file, bool wanted)
{
    const int opened = ::open(file.c_str(), O_RDONLY);
    int flags = 0;
    bool done = ::ioctl(opened, FS_IOC_GETFLAGS, &flags) == 0;
    flags = wanted ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
    done = done && ::ioctl(opened, FS_IOC_SETFLAGS, &flags) == 0;
    ::close(opened);
    return done;
}

TEST(RemovedFolder, ThatIsLeftIsNamedWithWhatKeepsIt)
{
    asio::io_context io{1};
    test::test_repository made;
    const oid base(made.commit_file("a", "a\n"));
    const auto repo = run_here(io, repository::discover(made.top())).value();
    const auto tree = made.root() / "one";
    run_here(io, add_worktree(*repo, worktree_request(tree, "task/one", base).lock("ours"))).value();
    if (!set_immutable(tree / "a", true)) GTEST_SKIP() << "no file can be made immutable here";
    const auto removed = run_here(io, remove_worktree(*repo, tree, "ours"));
    const auto left = fs::directory_iterator(made.git_folder() / "graftline" / "trash")->path();
    EXPECT_TRUE(set_immutable(left / "a", false));
    ASSERT_FALSE(removed);
    const auto words = removed.error().message();
    EXPECT_NE(words.find((left / "a").string() + "\n  cause: Operation not permitted"), words.npos) << words;
    EXPECT_NE(words.find("graftline clean"), words.npos) << words;
    EXPECT_TRUE(run_here(io, delete_dropped(*repo, left)));
    EXPECT_FALSE(fs::exists(left));
}

} // namespace
} // namespace graftline::git
