// Where the folders of removed worktrees go, and what a killed process leaves of them.
#include "graftline/git/repository.hpp"
#include "graftline/git/worktree.hpp"

#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>
#include <stdlib.h>
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

} // namespace
} // namespace graftline::git
