#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/worktree/worktree.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;
using test::run_here;
using test::test_repository;

class Worktree : public testing::Test {
protected:
    explicit Worktree(std::vector<std::string> init = {}) : made(std::move(init))
    {
        made.write("dir/b", "b\n");
        base = oid(made.commit_file("a", "a\n"));
        open(made.top());
    }
    void open(const fs::path& start) { repo = run_here(io, repository::discover(start)).value(); }

    fs::path place(const std::string& name = "one") const { return made.root() / "trees" / name; }
    worktree_request request(const std::string& name = "one") const
    {
        return worktree_request(place(name), "task/" + name, base).lock("graftline " + name);
    }
    result<void> add(worktree_request what) { return run_here(io, add_worktree(*repo, std::move(what))); }
    result<void> remove(const std::string& name = "one")
    {
        return run_here(io, remove_worktree(*repo, place(name), "graftline " + name));
    }
    std::string branches() { return made.git("for-each-ref", "--format=%(refname:short)", "refs/heads"); }

    /// Nothing of an attempt is left: no folder, no branch, no record, no parent.
    void expect_nothing_left()
    {
        EXPECT_FALSE(fs::exists(made.root() / "trees"));
        EXPECT_EQ(branches(), "main");
        EXPECT_EQ(run_here(io, list_worktrees(*repo)).value().size(), 1u);
        const fs::path records = made.git_folder() / "worktrees";
        EXPECT_TRUE(!fs::exists(records) || fs::is_empty(records));
    }

    asio::io_context io{1};
    test_repository made;
    oid base;
    std::shared_ptr<repository> repo;
};

TEST_F(Worktree, IsMadeWithItsFilesLockedOnANewBranch)
{
    ASSERT_TRUE(add(request()));
    EXPECT_EQ(test::read_file(place() / "dir/b"), "b\n");
    EXPECT_EQ(made.git_in(place(), "status", "--porcelain"), "");
    EXPECT_EQ(made.git_in(place(), "rev-parse", "--abbrev-ref", "HEAD"), "task/one");
    const auto entries = run_here(io, list_worktrees(*repo)).value();
    ASSERT_EQ(entries.size(), 2u);
    EXPECT_TRUE(entries[0].is_main);
    EXPECT_EQ(entries[0].path, made.top());
    EXPECT_EQ(entries[1].path, place());
    EXPECT_EQ(entries[1].branch, "refs/heads/task/one");
    EXPECT_EQ(entries[1].head, base);
    EXPECT_EQ(entries[1].lock_reason, "graftline one");
    EXPECT_EQ(test::read_file(made.git_folder() / "config").find("task/one"),
              std::string::npos); // no upstream was configured
}

TEST_F(Worktree, IsListedInEveryState)
{
    made.git("worktree", "add", "--quiet", "--detach", "../de tached");
    made.git("worktree", "add", "--quiet", "-b", "feature/with/slashes", "../gone");
    made.git("worktree", "lock", "--reason", "two\nlines", "../de tached");
    fs::remove_all(made.root() / "gone");
    const auto entries = run_here(io, list_worktrees(*repo)).value();
    ASSERT_EQ(entries.size(), 3u);
    EXPECT_TRUE(entries[1].detached && entries[1].locked);
    EXPECT_EQ(entries[1].lock_reason, "two\nlines");
    EXPECT_EQ(entries[1].path.filename(), "de tached");
    EXPECT_TRUE(entries[2].prunable);
    EXPECT_EQ(entries[2].branch, "refs/heads/feature/with/slashes");
}

TEST_F(Worktree, IsRefusedWhereSomethingIs)
{
    test::write_file(place() / "precious", "mine");
    auto taken = add(request());
    ASSERT_FALSE(taken);
    EXPECT_TRUE(taken.error().is(errc::exists));
    EXPECT_EQ(test::read_file(place() / "precious"), "mine");
    EXPECT_EQ(branches(), "main");
}

TEST_F(Worktree, IsRefusedOnABranchThatExists)
{
    made.git("branch", "task/one");
    auto taken = add(request());
    ASSERT_FALSE(taken);
    EXPECT_TRUE(taken.error().is(errc::exists));
    EXPECT_THAT(taken.error().message(), testing::HasSubstr("task/one"));
    EXPECT_FALSE(fs::exists(place()));
    EXPECT_THAT(branches(), testing::HasSubstr("task/one")); // not ours to take back
    made.git("branch", "-D", "task/one");
    made.git("branch", "task");
    EXPECT_TRUE(add(request()).error().is(errc::exists)); // in the way
}

TEST_F(Worktree, OnAnExistingBranchNamesTheWorktreeThatHoldsIt)
{
    auto taken = add(worktree_request(place(), "main", base).lock("graftline one").on_existing_branch());
    ASSERT_FALSE(taken);
    EXPECT_TRUE(taken.error().is(errc::busy)) << taken.error().message();
    EXPECT_THAT(taken.error().what(), testing::HasSubstr(made.top().string()));
    EXPECT_EQ(branches(), "main");

    made.git("branch", "kept");
    ASSERT_TRUE(add(worktree_request(place(), "kept", base).lock("graftline one").on_existing_branch()));
    EXPECT_EQ(made.git_in(place(), "rev-parse", "--abbrev-ref", "HEAD"), "kept");
    auto moved = add(worktree_request(place("two"), "main", oid(std::string(40, 'a'))).on_existing_branch());
    EXPECT_TRUE(moved.error().is(errc::moved));
}

TEST_F(Worktree, IsTakenBackWhenItsFilesCannotBeWritten)
{
    made.write(".gitattributes", "* filter=broken\n");
    base = oid(made.commit("A filter that fails"));
    made.git("config", "filter.broken.smudge", "false");
    made.git("config", "filter.broken.required", "true");
    auto failed = add(request());
    ASSERT_FALSE(failed);
    EXPECT_TRUE(failed.error().is(errc::command_failed));
    EXPECT_THAT(failed.error().message(), testing::HasSubstr("smudge filter broken failed"));
    expect_nothing_left();
}

TEST_F(Worktree, IsTakenBackWhenCancelledAtAnyTime)
{
    bool made_it = false;
    for (int delay = 0; !made_it && delay < 60'000; delay += delay < 40 ? 2 : delay < 400 ? 13 : delay / 3) {
        asio::cancellation_signal stop;
        asio::steady_timer timer(io, std::chrono::milliseconds(delay));
        timer.async_wait([&](error_code) { stop.emit(asio::cancellation_type::terminal); });
        bool ended = false;
        asio::co_spawn(
            io, add_worktree(*repo, request()),
            asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr e, result<void> done) {
                ended = true;
                made_it = !e && done;
                if (!e && !done) ADD_FAILURE() << done.error().message();
                timer.cancel();
            }));
        test::run_guarded(io);
        ASSERT_TRUE(ended);
        if (!made_it) expect_nothing_left();
        if (HasFailure()) FAIL() << "cancelled after " << delay << " ms";
    }
    EXPECT_TRUE(made_it);
}

TEST_F(Worktree, RunsThePostCheckoutHookAsGitDoes)
{
    const fs::path hook = made.git_folder() / "hooks/post-checkout";
    test::write_file(hook,
                     "#!/bin/sh\nprintf '%s\\n' \"$@\" > \"$(git rev-parse --show-toplevel)/hooked\"\n");
    fs::permissions(hook, fs::perms::owner_all);
    ASSERT_TRUE(add(request()));
    EXPECT_EQ(test::read_file(place() / "hooked"), std::string(40, '0') + "\n" + base.hex() + "\n1\n");

    test::write_file(hook, "#!/bin/sh\necho no >&2; exit 3\n");
    std::string notice;
    ASSERT_TRUE(add(request("two").tell([&](std::string words) { notice = std::move(words); })));
    EXPECT_THAT(notice, testing::HasSubstr("post-checkout hook failed"));
}

TEST_F(Worktree, HonoursSparseCheckout)
{
    made.git("sparse-checkout", "set", "nothing-else");
    open(made.top());
    ASSERT_TRUE(add(request()));
    EXPECT_TRUE(fs::exists(place() / "a"));
    EXPECT_FALSE(fs::exists(place() / "dir"));
    EXPECT_TRUE(run_here(io, status_of(*repo, place(), base)).value().is_clean());
    ASSERT_TRUE(remove());
}

TEST_F(Worktree, OfABareRepositoryWorks)
{
    made.git("clone", "--quiet", "--bare", ".", "../bare.git");
    open(made.root() / "bare.git");
    ASSERT_TRUE(add(request()));
    EXPECT_EQ(test::read_file(place() / "a"), "a\n");
    ASSERT_TRUE(remove());
    EXPECT_FALSE(fs::exists(place()));
}

TEST_F(Worktree, OfAShallowCloneWorks)
{
    made.git("clone", "--quiet", "--depth=1", "file://" + made.top().string(), "../shallow");
    open(made.root() / "shallow");
    ASSERT_TRUE(add(request()));
    EXPECT_EQ(test::read_file(place() / "a"), "a\n");
    ASSERT_TRUE(remove());
}

TEST_F(Worktree, GetsItsLfsFiles)
{
    if (!test::try_git("/", {"lfs", "version"}).ok) GTEST_SKIP() << "git-lfs is not installed";
    made.git("lfs", "install", "--local");
    made.git("lfs", "track", "*.bin");
    base = oid(made.commit_file("big.bin", "large content"));
    EXPECT_THAT(made.git("cat-file", "-p", "HEAD:big.bin"), testing::HasSubstr("git-lfs"));
    open(made.top());
    EXPECT_TRUE(repo->can().filters && repo->can().lfs);
    ASSERT_TRUE(add(request()));
    EXPECT_EQ(test::read_file(place() / "big.bin"), "large content");
    EXPECT_TRUE(run_here(io, status_of(*repo, place(), base)).value().is_clean());
}

TEST_F(Worktree, GetsItsSubmodulesWithoutANetwork)
{
    test_repository inner, outer;
    inner.commit_file("deepest", "3");
    outer.commit_file("deep", "2");
    outer.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.top().string(),
              "in ner");
    outer.commit("With a submodule");
    made.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "--name", "named.it",
             outer.top().string(), "libs/outer");
    made.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive");
    base = oid(made.commit("With submodules"));
    const std::string configuration = test::read_file(made.git_folder() / "config");
    fs::rename(inner.top(), inner.root() / "away"); // whoever goes to the origin fails
    fs::rename(outer.top(), outer.root() / "away");
    open(made.top());
    EXPECT_TRUE(repo->can().submodules);
    std::string notices;
    ASSERT_TRUE(add(request().tell([&](std::string words) { notices += words; })));
    EXPECT_EQ(notices, "");
    EXPECT_EQ(test::read_file(place() / "libs/outer/deep"), "2");
    EXPECT_EQ(test::read_file(place() / "libs/outer/in ner/deepest"), "3");
    EXPECT_EQ(made.git_in(place(), "status", "--porcelain"), "");
    EXPECT_EQ(made.git_in(place() / "libs/outer", "config", "remote.origin.url"), outer.top());
    EXPECT_EQ(test::read_file(made.git_folder() / "config"), configuration);
    ASSERT_TRUE(remove());
    EXPECT_FALSE(fs::exists(place()));
}

TEST_F(Worktree, StatusCountsWhatDiffers)
{
    ASSERT_TRUE(add(request()));
    const auto look = [&] { return run_here(io, status_of(*repo, place(), base)).value(); };
    EXPECT_TRUE(look().is_clean());
    EXPECT_EQ(look().branch, "task/one");
    test::write_file(place() / "a", "changed");
    test::write_file(place() / "new folder/one", "1");
    test::write_file(place() / "new folder/two", "2");
    made.git_in(place(), "mv", "dir/b", "dir/moved");
    EXPECT_EQ(look().uncommitted, 2);
    EXPECT_EQ(look().untracked, 2);
    made.git_in(place(), "add", "--all");
    made.git_in(place(), "commit", "--quiet", "-m", "ahead");
    made.commit_file("a", "on main");
    const auto status = run_here(io, status_of(*repo, place(), oid(made.git("rev-parse", "main")))).value();
    EXPECT_TRUE(status.is_clean());
    EXPECT_EQ(status.ahead, 1);
    EXPECT_EQ(status.behind, 1);
    made.git_in(place(), "checkout", "--quiet", "--detach");
    EXPECT_EQ(look().branch, std::nullopt);
    EXPECT_TRUE(run_here(io, status_of(*repo, made.root() / "no", {})).error().is(errc::not_found));
}

TEST_F(Worktree, IsRemovedWithoutFollowingLinks)
{
    ASSERT_TRUE(add(request()));
    test::write_file(made.root() / "outside/precious", "mine");
    fs::create_directory_symlink(made.root() / "outside", place() / "link");
    test::write_file(place() / "sealed/file", "x");
    fs::permissions(place() / "sealed", fs::perms::owner_read | fs::perms::owner_exec);
    ASSERT_TRUE(remove());
    EXPECT_FALSE(fs::exists(made.root() / "trees")); // the parent was ours, and is empty
    EXPECT_EQ(test::read_file(made.root() / "outside/precious"), "mine");
    EXPECT_EQ(run_here(io, list_worktrees(*repo)).value().size(), 1u);
    EXPECT_TRUE(fs::is_empty(repo->state_folder() / "trash"));
    EXPECT_THAT(branches(), testing::HasSubstr("task/one")); // whether it may go is somebody else's question
}

TEST_F(Worktree, IsRemovedWhileAnOrphanedProcessStillWritesThere) // as a killed graftline's checkout does
{
    ASSERT_TRUE(add(request()));
    for (int i = 0; i < 300; ++i)
        test::write_file(place() / "many" / std::to_string(i), "x");
    std::atomic<bool> running{false};
    // Its folder goes with it, as that of a process which works there.
    std::jthread writer([&, folder = ::open(place().c_str(), O_DIRECTORY | O_CLOEXEC)] {
        const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
        for (int i = 0; std::chrono::steady_clock::now() < until; ++i) {
            close(
                openat(folder, ("late-" + std::to_string(i)).c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
            running = true;
        }
        close(folder);
    });
    while (!running)
        std::this_thread::yield();
    const auto removed = remove();
    EXPECT_TRUE(removed) << (removed ? "" : removed.error().what());
    EXPECT_TRUE(fs::is_empty(repo->state_folder() / "trash"));
}

TEST_F(Worktree, OfTheUserIsNotRemoved)
{
    fs::create_directory(made.root() / "trees"); // the user's, too
    made.git("worktree", "add", "--quiet", "-b", "theirs", place().string());
    EXPECT_TRUE(remove().error().is(errc::refused));
    made.git("worktree", "lock", "--reason", "on a stick", place().string());
    auto locked = remove();
    EXPECT_TRUE(locked.error().is(errc::refused));
    EXPECT_THAT(locked.error().what(), testing::HasSubstr("on a stick"));
    EXPECT_TRUE(run_here(io, remove_worktree(*repo, made.top(), "")).error().is(errc::refused));
    EXPECT_TRUE(run_here(io, remove_worktree(*repo, made.root() / "trees", "")).error().is(errc::not_found));
    EXPECT_TRUE(fs::exists(place() / "a"));
}

TEST_F(Worktree, WhoseFolderWasReplacedIsNotRemoved)
{
    ASSERT_TRUE(add(request()));
    fs::remove_all(place());
    test::write_file(place() / "precious", "mine");
    EXPECT_TRUE(remove().error().is(errc::refused));
    EXPECT_TRUE(fs::exists(place() / "precious"));
    fs::remove_all(place());
    made.git("init", "--quiet", place().string());
    EXPECT_TRUE(remove().error().is(errc::refused));
    fs::remove_all(place());
    EXPECT_TRUE(remove()); // deleted by hand: only git's record is left
    EXPECT_EQ(run_here(io, list_worktrees(*repo)).value().size(), 1u);
}

TEST_F(Worktree, EmptyParentsOfTheUserStay)
{
    fs::create_directory(made.root() / "trees");
    ASSERT_TRUE(add(request("sub/one")));
    ASSERT_TRUE(remove("sub/one"));
    EXPECT_TRUE(fs::exists(made.root() / "trees"));
    EXPECT_FALSE(fs::exists(made.root() / "trees/sub"));
}

TEST_F(Worktree, InsideTheRepositoryIsKeptOutOfItsStatus)
{
    const fs::path folder = made.top() / ".own [x]" / "trees";
    for (int times = 0; times < 2; ++times)
        ASSERT_TRUE(run_here(io, keep_out_of_status(*repo, folder)));
    ASSERT_TRUE(add(worktree_request(folder / "one", "task/one", base).lock("graftline one")));
    EXPECT_EQ(made.git("status", "--porcelain"), "");
    made.git("add", "--all");
    EXPECT_EQ(made.git("diff", "--cached", "--name-only"), "");
    const std::string exclude = test::read_file(made.git_folder() / "info/exclude");
    EXPECT_EQ(exclude.find("/.own"), exclude.rfind("/.own")); // once
    ASSERT_TRUE(run_here(io, keep_out_of_status(*repo, made.root() / "outside")));
    EXPECT_EQ(test::read_file(made.git_folder() / "info/exclude"), exclude);
    EXPECT_EQ(made.git("check-ignore", "-v", ".own [x]/trees/one").find("exclude") != std::string::npos,
              true);
}

TEST_F(Worktree, StartedFromALinkedOneWorks)
{
    ASSERT_TRUE(add(request()));
    open(place());
    ASSERT_TRUE(add(request("two")));
    EXPECT_TRUE(fs::exists(place("two") / "a"));
    ASSERT_TRUE(remove("two"));
}

TEST_F(Worktree, ThatWeWereStartedInCanBeRemoved)
{
    ASSERT_TRUE(add(request()));
    open(place());
    ASSERT_TRUE(remove());
    EXPECT_FALSE(fs::exists(place()));
    EXPECT_EQ(run_here(io, resolve(*repo, "main")).value(), base);
    const auto deleted = run_here(io, delete_ref(*repo, "refs/heads/task/one", base));
    EXPECT_TRUE(deleted) << deleted.error().message();
}

/// The files of a worktree's record in the order in which git writes them, each empty at first.
struct Half {
    const char* name;
    bool in_folder; ///< or in git's record
};
constexpr Half in_order[]{
    {"locked", false}, {"gitdir", false}, {".git", true}, {"HEAD", false}, {"commondir", false}};

TEST_F(Worktree, OfWhichAKilledGitMadeAPartIsRemovedAndMadeAnew)
{
    std::vector<std::string> whole;
    ASSERT_TRUE(add(request()));
    const fs::path record = made.git_folder() / "worktrees" / "one";
    for (const auto& file : in_order)
        whole.push_back(test::read_file((file.in_folder ? place() : record) / file.name));
    ASSERT_TRUE(remove());
    made.git("branch", "-D", "task/one");
    for (std::size_t count = 0; count <= 2 * std::size(in_order); ++count) {
        SCOPED_TRACE("files: " + std::to_string(count / 2) + (count % 2 ? " and an empty one" : ""));
        made.git("branch", "task/one");
        fs::create_directories(record);
        fs::create_directories(place());
        for (std::size_t at = 0; at < (count + 1) / 2; ++at) {
            const std::string text = at == 3 ? std::string(40, '0') + "\n" : whole[at];
            test::write_file((in_order[at].in_folder ? place() : record) / in_order[at].name,
                             2 * at + 1 == count ? "" : text);
        }
        const auto removed = remove();
        EXPECT_TRUE(removed || removed.error().is(errc::not_found)) << removed.error().message();
        EXPECT_TRUE(add(request().on_existing_branch()));
        EXPECT_EQ(run_here(io, list_worktrees(*repo)).value().size(), 2u);
        EXPECT_EQ(made.git_in(place(), "status", "--porcelain"), "");
        EXPECT_TRUE(remove());
        EXPECT_FALSE(fs::exists(record));
        made.git("branch", "-D", "task/one");
    }
}

TEST_F(Worktree, OfWhichAKilledGitForgotAPartIsForgotten)
{
    const fs::path record = made.git_folder() / "worktrees" / "one";
    const std::vector<std::string> names{"locked", "gitdir", "HEAD", "commondir", "index"};
    for (unsigned gone = 1; gone < 1u << names.size(); ++gone) {
        SCOPED_TRACE("gone: " + std::to_string(gone));
        ASSERT_TRUE(add(request()));
        fs::remove_all(place());
        for (std::size_t at = 0; at < names.size(); ++at)
            if (gone & (1u << at)) fs::remove(record / names[at]);
        const auto removed = remove();
        EXPECT_TRUE(removed || removed.error().is(errc::not_found)) << removed.error().message();
        EXPECT_FALSE(fs::exists(record));
        made.git("branch", "-D", "task/one");
    }
}

TEST_F(Worktree, WhoseFolderIsAwayKeepsItsPlace)
{
    made.git("worktree", "add", "--quiet", "-b", "theirs", place().string());
    fs::rename(place(), made.root() / "elsewhere");
    auto taken = add(request());
    ASSERT_FALSE(taken);
    EXPECT_THAT(taken.error().message(), testing::HasSubstr("git worktree prune"));
    EXPECT_EQ(branches(), "main\ntheirs");
    EXPECT_EQ(run_here(io, list_worktrees(*repo)).value().size(), 2u);
}

TEST_F(Worktree, WithABadBranchIsRefusedBeforeAnythingIsMade)
{
    EXPECT_TRUE(add(worktree_request(place(), "a..b", base)).error().is(errc::invalid));
    expect_nothing_left();
}

class WorktreeOfSha256 : public Worktree {
protected:
    WorktreeOfSha256() : Worktree({"--object-format=sha256"}) {}
};

TEST_F(WorktreeOfSha256, Works)
{
    ASSERT_TRUE(add(request()));
    EXPECT_EQ(test::read_file(place() / "a"), "a\n");
    EXPECT_TRUE(run_here(io, status_of(*repo, place(), base)).value().is_clean());
    ASSERT_TRUE(remove());
}

} // namespace
} // namespace graftline::git
