#include "graftline/git/commit.hpp"
#include "graftline/git/merge.hpp"
#include "graftline/git/move_target.hpp"
#include "graftline/git/refs.hpp"
#include "graftline/git/repository.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <random>
#include <thread>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using git::move_outcome;
using git::moved;
using git::oid;
using git::waits;
using testing::ElementsAre;
using testing::HasSubstr;

using outcome = result<move_outcome>;

awaitable<outcome> move_in(fs::path start, std::string branch, oid from, oid to,
                           git::intent_callback intent = {})
{
    auto found = co_await git::repository::discover(start);
    if (!found) co_return found.error();
    co_return co_await git::move_target(**found, branch, from, to, "graftline: land", std::move(intent));
}

awaitable<result<std::size_t>> repair_in(fs::path start)
{
    auto found = co_await git::repository::discover(start);
    if (!found) co_return found.error();
    co_return co_await git::repair_index(**found);
}

class moving : public testing::Test {
protected:
    void SetUp() override
    {
        isolate_git();
        repo.write(".gitignore", "*.env\nbuild/\n");
        repo.write("a.txt", "a\n");
        repo.write("b.txt", "b\n");
        repo.write("c.txt", "c\n");
        repo.write("deep/d.txt", "d\n");
        repo.commit("base");
        base = repo.git("rev-parse", "HEAD");
    }

    /// A commit on `parent` that was made elsewhere: sets files (no text: removes them).
    std::string landing(const std::string& parent,
                        const std::map<std::string, std::optional<std::string>>& files)
    {
        const fs::path work = repo.root() / ("elsewhere-" + std::to_string(++elsewhere_));
        repo.git("worktree", "add", "-q", "--detach", work.string(), parent);
        for (const auto& [name, text] : files) {
            if (text) continue;
            fs::remove(work / name);
            std::error_code not_empty;
            fs::remove((work / name).parent_path(), not_empty);
        }
        for (const auto& [name, text] : files)
            if (text) write_file(work / name, *text);
        repo.git_in(work, "add", "-A", "-f");
        repo.git_in(work, "commit", "-q", "--allow-empty", "-m", "landing");
        const std::string id = repo.git_in(work, "rev-parse", "HEAD");
        repo.git("worktree", "remove", "--force", work.string());
        return id;
    }
    outcome move(const std::string& from, const std::string& to, const std::string& branch = "main")
    {
        return run_here(move_in(repo.top(), branch, oid(from), oid(to)));
    }
    /// All of `why` that the move waits for; the test fails when it does not wait, or has changed anything.
    waits waiting(const std::string& to, const std::string& branch = "main")
    {
        const auto tip = repo.git("rev-parse", branch);
        const auto status = repo.git("status", "--porcelain", "--ignored");
        const auto done = move(tip, to, branch);
        EXPECT_TRUE(done) << done.error().message();
        EXPECT_EQ(repo.git("rev-parse", branch), tip);
        EXPECT_EQ(repo.git("status", "--porcelain", "--ignored"), status);
        EXPECT_FALSE(fs::exists(repo.git_folder() / "index.lock"));
        EXPECT_FALSE(fs::exists(repo.git_folder() / "HEAD.lock"));
        if (done && std::holds_alternative<waits>(*done)) return std::get<waits>(*done);
        ADD_FAILURE() << "it did not wait";
        return {};
    }
    void expect_moved(const outcome& done)
    {
        ASSERT_TRUE(done) << done.error().message();
        if (const auto* why = std::get_if<waits>(&*done)) ADD_FAILURE() << "waits: " << why->why;
    }

    test_repository repo;
    std::string base;

private:
    int elsewhere_ = 0;
};

TEST_F(moving, ABranchThatNobodyHasCheckedOut)
{
    repo.git("branch", "target");
    const auto to = landing(base, {{"a.txt", "landed\n"}});
    expect_moved(move(base, to, "target"));
    EXPECT_EQ(repo.git("rev-parse", "target"), to);
    EXPECT_EQ(repo.git("rev-parse", "main"), base);
    EXPECT_EQ(repo.git("status", "--porcelain"), "");
}

TEST_F(moving, IsRefusedWhenTheBranchIsElsewhere)
{
    const auto to = landing(base, {{"a.txt", "landed\n"}});
    repo.commit_file("c.txt", "the user was faster\n");
    const auto done = move(base, to);
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().is(errc::moved));
    const auto sideways = move(repo.git("rev-parse", "main"), to);
    ASSERT_FALSE(sideways);
    EXPECT_TRUE(sideways.error().is(errc::refused)); // it would drop the user's commit
}

TEST_F(moving, InABareRepositoryHeadIsNoCheckout)
{
    const auto bare = repo.root() / "bare.git";
    const auto to = landing(base, {{"a.txt", "landed\n"}});
    repo.git("update-ref", "refs/heads/keep", to);
    repo.git("clone", "-q", "--bare", ".", bare.string());
    expect_moved(run_here(move_in(bare, "main", oid(base), oid(to))));
    EXPECT_EQ(repo.git_in(bare, "rev-parse", "main"), to);
}

TEST_F(moving, ACleanCheckoutFollows)
{
    const auto to = landing(base, {{"a.txt", "landed\n"}, {"b.txt", std::nullopt}, {"new/n.txt", "new\n"}});
    expect_moved(move(base, to));
    EXPECT_EQ(repo.git("rev-parse", "main"), to);
    EXPECT_EQ(repo.git("status", "--porcelain"), "");
    EXPECT_EQ(repo.read("a.txt"), "landed\n");
    EXPECT_EQ(repo.read("new/n.txt"), "new\n");
    EXPECT_FALSE(fs::exists(repo.top() / "b.txt"));
    // HEAD's own reflog has it, not only the branch's.
    EXPECT_THAT(repo.git("reflog", "-1", "HEAD"), HasSubstr("graftline: land"));
    EXPECT_EQ(repo.git("symbolic-ref", "HEAD"), "refs/heads/main");
    EXPECT_EQ(repo.git("fsck", "--no-dangling"), "");
}

/// Everything that is the user's: W-03, pain 22.
struct users_things {
    std::string status, diff, staged, stash, branch;
    std::map<std::string, std::string> files;
    bool operator==(const users_things&) const = default;
};

TEST_F(moving, ADirtyCheckoutKeepsEverythingOfTheUsersByteForByte)
{
    repo.write("c.txt", "stashed\n");
    repo.git("stash", "-q");
    repo.write("b.txt", "staged\n");
    repo.write("staged-new.txt", "staged new\n");
    repo.git("add", "b.txt", "staged-new.txt");
    repo.write("b.txt", "staged, then edited\n");
    repo.write("c.txt", "edited\n");
    repo.write("untracked.txt", "untracked\n");
    repo.write("secret.env", "ignored\n");
    repo.write("build/out.o", "ignored too\n");
    const auto look = [&] {
        users_things now{repo.git("status", "--porcelain=v2", "--ignored"),
                         repo.git("diff"),
                         repo.git("ls-files", "-s", "b.txt", "c.txt", "staged-new.txt"),
                         repo.git("stash", "list", "--format=%H %gs"),
                         repo.git("symbolic-ref", "HEAD"),
                         {}};
        for (const char* name :
             {"b.txt", "c.txt", "staged-new.txt", "untracked.txt", "secret.env", "build/out.o"})
            now.files[name] = repo.read(name);
        return now;
    };
    const auto before = look();
    const auto to =
        landing(base, {{"a.txt", "landed\n"}, {"deep/new.txt", "landed\n"}, {"deep/d.txt", std::nullopt}});
    expect_moved(move(base, to));
    EXPECT_EQ(repo.git("rev-parse", "HEAD"), to);
    const auto after = look();
    EXPECT_EQ(after.status, before.status);
    EXPECT_EQ(after.diff, before.diff);
    EXPECT_EQ(after.staged, before.staged);
    EXPECT_EQ(after.stash, before.stash);
    EXPECT_TRUE(after == before);
    EXPECT_EQ(repo.read("a.txt"), "landed\n");
    EXPECT_FALSE(fs::exists(repo.git_folder() / "MERGE_HEAD"));
}

TEST_F(moving, WaitsForPathsThatAreEditedOrStaged)
{
    const auto to = landing(base, {{"a.txt", "landed\n"}, {"b.txt", "landed\n"}, {"c.txt", "landed\n"}});
    repo.write("a.txt", "edited\n");
    repo.write("b.txt", "staged\n");
    repo.git("add", "b.txt");
    const auto why = waiting(to);
    EXPECT_THAT(why.paths, ElementsAre("a.txt", "b.txt"));
    EXPECT_THAT(why.why, HasSubstr("edited"));
    EXPECT_EQ(repo.read("a.txt"), "edited\n");
    // Staged, and put back on disk.
    repo.git("checkout", "-q", "a.txt");
    repo.write("b.txt", "b\n");
    EXPECT_THAT(waiting(to).paths, ElementsAre("b.txt"));
    repo.git("reset", "-q");
    expect_moved(move(base, to));
}

TEST_F(moving, AFileThatWasOnlyTouchedIsNotEdited)
{
    const auto to = landing(base, {{"a.txt", "landed\n"}});
    fs::last_write_time(repo.top() / "a.txt", fs::file_time_type::clock::now() + std::chrono::hours(1));
    expect_moved(move(base, to));
    EXPECT_EQ(repo.read("a.txt"), "landed\n");
}

TEST_F(moving, WaitsForFilesInTheWayAlsoIgnoredOnes) // git.md 2: an own .env was replaced
{
    const auto to =
        landing(base, {{"own.env", "landed\n"}, {"build", "a file\n"}, {"u.txt", "u\n"}, {"x/y.txt", "y\n"}});
    repo.write("own.env", "mine\n");
    repo.write("build/out.o", "mine\n");
    repo.write("u.txt", "mine\n");
    repo.write("x", "mine\n");
    const auto why = waiting(to);
    EXPECT_THAT(why.paths, testing::UnorderedElementsAre("build", "own.env", "u.txt", "x/y.txt"));
    EXPECT_EQ(repo.read("own.env"), "mine\n");
    for (const char* name : {"own.env", "build", "u.txt", "x"})
        fs::remove_all(repo.top() / name);
    expect_moved(move(base, to));
    EXPECT_EQ(repo.read("own.env"), "landed\n");
}

TEST_F(moving, AFolderThatBecomesAFileIsInTheWayOnlyWhileSomethingElseIsInIt)
{
    const auto to = landing(base, {{"deep/d.txt", std::nullopt}, {"deep", "a file now\n"}});
    repo.write("deep/mine.env", "mine\n");
    EXPECT_THAT(waiting(to).paths, ElementsAre("deep"));
    fs::remove(repo.top() / "deep/mine.env");
    expect_moved(move(base, to));
    EXPECT_EQ(repo.read("deep"), "a file now\n");
}

TEST_F(moving, WaitsWhileSomethingIsHalfDone)
{
    const auto to = landing(base, {{"c.txt", "landed\n"}});
    for (const char* state : {"MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "BISECT_LOG"}) {
        write_file(repo.git_folder() / state, base + "\n");
        EXPECT_THAT(waiting(to).why, HasSubstr("under way")) << state;
        fs::remove(repo.git_folder() / state);
    }
    fs::create_directories(repo.git_folder() / "sequencer");
    EXPECT_THAT(waiting(to).why, HasSubstr("under way"));
    fs::remove(repo.git_folder() / "sequencer");
    expect_moved(move(base, to));
}

TEST_F(moving, WaitsWhileTheTargetIsUnderRebaseOrBisectAnywhere)
{
    repo.git("switch", "-q", "-c", "other");
    const auto tree = repo.root() / "tree";
    repo.git("worktree", "add", "-q", tree.string(), "main");
    repo.git_in(tree, "commit", "-q", "--allow-empty", "-m", "two");
    const auto main = repo.git("rev-parse", "main");
    const auto to = landing(main, {{"c.txt", "landed\n"}});
    // It stops at once, with HEAD detached: the branch looks free.
    EXPECT_TRUE(try_git(tree, {"-c", "sequence.editor=sed -i 1ibreak", "rebase", "-i", "HEAD~1"}).ok);
    EXPECT_THAT(waiting(to).why, HasSubstr("rebase"));
    repo.git_in(tree, "rebase", "--abort");
    repo.git_in(tree, "bisect", "start");
    repo.git_in(tree, "bisect", "bad", main);
    repo.git_in(tree, "bisect", "good", base);
    repo.git_in(tree, "checkout", "-q", "--detach");
    EXPECT_THAT(waiting(to).why, HasSubstr("bisect"));
    repo.git_in(tree, "bisect", "reset");
    expect_moved(move(main, to));
    EXPECT_EQ(read_file(tree / "c.txt"), "landed\n"); // a linked worktree follows as well
    EXPECT_EQ(repo.git_in(tree, "status", "--porcelain"), "");
}

TEST_F(moving, WaitsWhenTheTargetIsCheckedOutTwiceOrItsFolderIsAway)
{
    const auto to = landing(base, {{"c.txt", "landed\n"}});
    const auto tree = repo.root() / "tree";
    repo.git("worktree", "add", "-q", "--force", tree.string(), "main");
    EXPECT_THAT(waiting(to).why, HasSubstr("twice"));
    repo.git("switch", "-q", "-c", "other");
    fs::rename(tree, repo.root() / "elsewhere");
    EXPECT_THAT(waiting(to).why, HasSubstr("away"));
}

TEST_F(moving, WaitsForAnotherGitCommandAndDoesNotBreakIt)
{
    const auto to = landing(base, {{"c.txt", "landed\n"}});
    write_file(repo.git_folder() / "index.lock", "");
    const auto done = move(base, to);
    ASSERT_TRUE(done) << done.error().message();
    ASSERT_TRUE(std::holds_alternative<waits>(*done));
    EXPECT_THAT(std::get<waits>(*done).why, HasSubstr("index.lock"));
    EXPECT_TRUE(fs::exists(repo.git_folder() / "index.lock"));
    EXPECT_EQ(repo.git("rev-parse", "main"), base);
    fs::remove(repo.git_folder() / "index.lock");
    EXPECT_EQ(repo.read("c.txt"), "c\n");
    expect_moved(move(base, to));
}

TEST_F(moving, IgnoresConfigurationThatWouldChangeWhatItDoes)
{
    repo.git("config", "merge.autostash", "true");
    repo.git("config", "branch.main.mergeoptions", "--no-ff --no-commit");
    repo.git("config", "submodule.recurse", "true");
    repo.write("b.txt", "edited\n");
    const auto to = landing(base, {{"c.txt", "landed\n"}});
    expect_moved(move(base, to));
    EXPECT_EQ(repo.git("rev-parse", "main"), to);
    EXPECT_EQ(repo.git("status", "--porcelain"), " M b.txt");
}

TEST_F(moving, AFilterThatFailsHalfWayLeavesTheFilesAsTheyWere)
{
    const auto to =
        landing(base, {{".gitattributes", "z.bin filter=broken\n"}, {"a.txt", "landed\n"}, {"z.bin", "z\n"}});
    repo.git("config", "filter.broken.smudge", "/bin/false");
    repo.git("config", "filter.broken.clean", "cat");
    repo.git("config", "filter.broken.required", "true");
    const auto done = move(base, to);
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().is(errc::command_failed)) << done.error().message();
    EXPECT_EQ(repo.git("rev-parse", "main"), base);
    EXPECT_EQ(repo.git("status", "--porcelain"), "");
    EXPECT_EQ(repo.read("a.txt"), "a\n");
}

TEST_F(moving, TellsItsIntentBeforeAnythingChangesAndStopsWhenThatFails)
{
    const auto to = landing(base, {{"a.txt", "landed\n"}, {"n.txt", "n\n"}});
    std::vector<git::move_intent> told;
    git::intent_callback note = [&](const git::move_intent& intent) -> awaitable<result<void>> {
        told.push_back(intent);
        co_return fault(errc::no_space, "the journal is full");
    };
    const auto stopped = run_here(move_in(repo.top(), "main", oid(base), oid(to), note));
    ASSERT_FALSE(stopped);
    EXPECT_TRUE(stopped.error().is(errc::no_space));
    ASSERT_EQ(told.size(), 1u);
    EXPECT_EQ(told[0].checkout, repo.top());
    ASSERT_EQ(told[0].paths.size(), 2u);
    EXPECT_EQ(told[0].paths[0].old_blob.hex(), repo.git("rev-parse", base + ":a.txt"));
    EXPECT_EQ(repo.git("rev-parse", "main"), base);
    EXPECT_EQ(repo.read("a.txt"), "a\n");
}

// ---- after a crash

class recovering : public moving {
protected:
    result<bool> recover(const std::string& to)
    {
        auto body = [](fs::path start, oid from, oid landed) -> awaitable<result<bool>> {
            auto found = co_await git::repository::discover(start);
            if (!found) co_return found.error();
            auto changes = co_await git::changes_between(**found, from, landed);
            const fs::path folder = (*found)->common_dir();
            git::move_intent intent{
                "main",   from,
                landed,   *(*found)->main_work_tree(),
                *changes, {folder / "refs/heads/main.lock", folder / "HEAD.lock", folder / "index.lock"}};
            co_return co_await git::recover_move(**found, std::move(intent));
        };
        return run_here(body(repo.top(), oid(base), oid(to)));
    }
};

TEST_F(recovering, FreesLocksThatAKilledGitLeft)
{
    const auto to = landing(base, {{"a.txt", "landed\n"}});
    for (const char* lock : {"refs/heads/main.lock", "HEAD.lock", "index.lock"})
        write_file(repo.git_folder() / lock, "");
    const auto done = recover(to);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_FALSE(*done);
    expect_moved(move(base, to));
    EXPECT_TRUE(recover(to).value());
}

TEST_F(recovering, TakesBackHalfOfTheFilesOrAllOfThem)
{
    const auto to = landing(base, {{"a.txt", "landed\n"}, {"b.txt", std::nullopt}, {"n.txt", "n\n"}});
    repo.write("a.txt", "landed\n"); // half way: index and ref are old
    repo.write("n.txt", "n\n");
    repo.write("c.txt", "the user's\n");
    EXPECT_FALSE(recover(to).value());
    EXPECT_EQ(repo.git("status", "--porcelain"), " M c.txt");
    repo.git("read-tree", "-m", "-u", base, to); // all the way but the ref
    EXPECT_FALSE(recover(to).value());
    EXPECT_EQ(repo.git("status", "--porcelain"), " M c.txt");
    expect_moved(move(base, to));
}

TEST_F(recovering, LeavesAloneWhatIsNeitherOldNorNew)
{
    const auto to = landing(base, {{"a.txt", "landed\n"}, {"c.txt", "landed\n"}});
    repo.write("a.txt", "landed\n");
    repo.write("c.txt", "half wr");
    const auto done = recover(to);
    ASSERT_FALSE(done);
    EXPECT_TRUE(done.error().is(errc::corrupt));
    EXPECT_THAT(done.error().message(), HasSubstr("c.txt"));
    EXPECT_EQ(repo.read("c.txt"), "half wr");
}

// ---- git's own race

TEST_F(moving, RepairsAnIndexThatGitsRaceTookBack)
{
    const auto to = landing(
        base, {{"a.txt", "landed\n"}, {"b.txt", std::nullopt}, {"n.txt", "n\n"}, {"c.txt", "landed\n"}});
    EXPECT_EQ(run_here(repair_in(repo.top())).value(), 0u);
    repo.write("deep/d.txt", "staged by the user\n");
    repo.git("add", "deep/d.txt");
    const auto old_index = read_file(repo.git_folder() / "index");
    expect_moved(move(base, to));
    // A `git commit` that had read the index before the landing writes it back after it.
    write_file(repo.git_folder() / "index", old_index);
    repo.write("c.txt", "edited since\n");
    const auto repaired = run_here(repair_in(repo.top()));
    ASSERT_TRUE(repaired) << repaired.error().message();
    EXPECT_EQ(*repaired, 3u); // a.txt, b.txt, n.txt; c.txt is the user's by now
    EXPECT_EQ(repo.git("diff", "--cached", "--name-only"), "c.txt\ndeep/d.txt");
    EXPECT_EQ(run_here(repair_in(repo.top())).value(), 0u);
}

TEST_F(moving, ForgetsALandingOnceTheRaceIsOver)
{
    const auto to = landing(base, {{"a.txt", "landed\n"}});
    expect_moved(move(base, to));
    const fs::path record = repo.git_folder() / "graftline/landed";
    ASSERT_TRUE(fs::exists(record));
    std::string text = read_file(record);
    text.replace(text.find("\"at\":") + 5, 10, "1000000000");
    write_file(record, text);
    EXPECT_EQ(run_here(repair_in(repo.top())).value(), 0u);
    EXPECT_FALSE(fs::exists(record));
}

class racing : public moving {
protected:
    /// The changes of `count` tasks, each a commit on the base: edits, new files and deletions in turn.
    std::vector<oid> tasks(int count)
    {
        for (int n = 0; n < count; ++n)
            if (n % 3 != 1) repo.write(file_of(n), "before\n");
        base = repo.commit("files of the tasks");
        const fs::path work = repo.root() / "agent";
        repo.git("worktree", "add", "-q", "--detach", work.string());
        std::vector<oid> commits;
        for (int n = 0; n < count; ++n) {
            repo.git_in(work, "reset", "-q", "--hard", base);
            if (n % 3 == 2)
                fs::remove(work / file_of(n));
            else
                write_file(work / file_of(n), "landed\n");
            repo.git_in(work, "add", "-A");
            repo.git_in(work, "commit", "-q", "-m", "task");
            commits.emplace_back(repo.git_in(work, "rev-parse", "HEAD"));
            repo.git("update-ref", "refs/heads/task-" + std::to_string(n), commits.back().hex());
        }
        return commits;
    }
    static std::string file_of(int n) { return "tasks/" + std::to_string(n) + ".txt"; }

    /// Lands one task as the landing queue does. Result: false when the user was faster or it has to wait.
    static awaitable<bool> land(git::repository& into, oid task)
    {
        const oid tip = (co_await git::resolve(into, "refs/heads/main")).value();
        const auto merged = (co_await git::merge_commits(into, tip, task)).value();
        EXPECT_TRUE(merged.clean());
        std::vector<oid> parents{tip, task};
        const oid commit =
            (co_await git::commit_tree(into, merged.tree, std::move(parents), "landing")).value();
        const auto done = co_await git::move_target(into, "main", tip, commit, "graftline: land");
        if (!done) EXPECT_TRUE(done.error().is(errc::moved)) << done.error().message();
        co_return done&& std::holds_alternative<moved>(*done);
    }
};

/// A person who commits in the main checkout again and again, until told to stop.
class committing_user {
public:
    explicit committing_user(fs::path top) : top_(std::move(top)), thread_([this] { work(); }) {}
    ~committing_user()
    {
        {
            const std::lock_guard held(mutex_);
            stopped_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }
    int commits() const { return commits_; }

private:
    void work()
    {
        std::minstd_rand random(7);
        std::unique_lock held(mutex_);
        for (int n = 0; !stopped_; ++n) {
            held.unlock();
            write_file(top_ / "user.txt", std::to_string(n) + "\n");
            try_git(top_, {"add", "user.txt"});
            if (try_git(top_, {"commit", "-q", "-m", "user " + std::to_string(n)}).ok) ++commits_;
            held.lock();
            wake_.wait_for(held, std::chrono::milliseconds(random() % 200), [this] { return stopped_; });
        }
    }

    fs::path top_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stopped_ = false;
    std::atomic<int> commits_{0};
    std::thread thread_;
};

TEST_F(racing, NoLandingIsRevertedByAUserWhoCommitsAllTheTime) // pain 20, git.md 2
{
    const std::vector<oid> changes = tasks(60);
    std::size_t landed = 0;
    auto body = [&]() -> awaitable<void> {
        auto found = co_await git::repository::discover(repo.top());
        const auto executor = co_await asio::this_coro::executor;
        asio::cancellation_signal stop;
        bool watching = true;
        asio::co_spawn(
            executor, git::keep_index(**found),
            asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) { watching = false; }));
        committing_user user(repo.top());
        for (int tries = 0; landed < changes.size() && tries < 1000; ++tries)
            if (co_await land(**found, changes[landed])) ++landed;
        EXPECT_GT(user.commits(), 5);
        stop.emit(asio::cancellation_type::terminal);
        while (watching)
            co_await asio::post(executor, use_awaitable);
    };
    run_here(body());
    ASSERT_EQ(landed, changes.size());
    for (int n = 0; n < static_cast<int>(changes.size()); ++n) {
        const auto there = try_git(repo.top(), {"show", "main:" + file_of(n)});
        if (n % 3 == 2)
            EXPECT_FALSE(there.ok) << file_of(n) << " is back";
        else
            EXPECT_EQ(there.out, "landed") << file_of(n);
    }
    // No commit of the user's holds anything of a landing, in either direction.
    EXPECT_EQ(repo.git("log", "--first-parent", "--grep=^user", "--format=%s", "main", "--", "tasks"), "");
    EXPECT_EQ(
        repo.git("log", "--first-parent", "-m", "--grep=^landing", "--format=%s", "main", "--", "user.txt"),
        "");
    EXPECT_EQ(repo.git("status", "--porcelain", "--untracked-files=no", "tasks"), "");
    EXPECT_EQ(repo.git("fsck", "--no-dangling"), "");
}

} // namespace
} // namespace graftline::test
