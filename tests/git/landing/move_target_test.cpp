#include "graftline/git/landing/move_target.hpp"
#include "graftline/git/repository/repository.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <map>

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

TEST_F(moving, ABranchWithSeveralNamesIsCheckedOutUnderAllOfThem)
{
    repo.git("branch", "-m", "main", "trunk");
    repo.git("symbolic-ref", "refs/heads/main", "refs/heads/trunk");
    const auto first = landing(base, {{"a.txt", "landed\n"}});
    for (const auto& head : {"main", "trunk"})
        for (const auto& target : {"main", "trunk"}) {
            SCOPED_TRACE(std::string("on ") + head + ", landing on " + target);
            repo.git("symbolic-ref", "HEAD", std::string("refs/heads/") + head);
            repo.git("reset", "-q", "--hard", base);
            expect_moved(move(base, first, target));
            EXPECT_EQ(repo.git("rev-parse", "trunk"), first);
            EXPECT_EQ(repo.git("symbolic-ref", "refs/heads/main"), "refs/heads/trunk");
            EXPECT_EQ(repo.git("status", "--porcelain"), "");
        }
    repo.git("checkout", "-q", "-b", "other", "main");
    repo.git("bisect", "start", "main", base);
    repo.git("symbolic-ref", "HEAD", "refs/heads/other");
    repo.write(".git/BISECT_START", "main\n");
    EXPECT_THAT(waiting(landing(first, {{"b.txt", "more\n"}}), "trunk").why, HasSubstr("bisect"));
}

TEST_F(moving, WaitsWhereGitDoesNotKnowTheCheckout)
{
    const auto store = repo.root() / "store", top = repo.root() / "apart", linked = repo.root() / "linked";
    repo.git("init", "-q", "-b", "main", "--separate-git-dir=" + store.string(), top.string());
    repo.git_in(top, "commit", "-q", "--allow-empty", "-m", "base");
    const auto from = repo.git_in(top, "rev-parse", "HEAD");
    write_file(top / "new.txt", "new\n");
    repo.git_in(top, "add", "-A");
    repo.git_in(top, "commit", "-q", "-m", "landing");
    const auto to = repo.git_in(top, "rev-parse", "HEAD");
    repo.git_in(top, "reset", "-q", "--hard", from);
    repo.git_in(top, "worktree", "add", "-q", "-b", "side", linked.string());
    const auto done = run_here(move_in(linked, "main", oid(from), oid(to)));
    ASSERT_TRUE(done) << done.error().message();
    ASSERT_TRUE(std::holds_alternative<waits>(*done));
    EXPECT_THAT(std::get<waits>(*done).why, HasSubstr(store.string()));
    EXPECT_EQ(repo.git_in(top, "rev-parse", "main"), from);
    expect_moved(run_here(move_in(top, "main", oid(from), oid(to))));
    EXPECT_EQ(repo.git_in(top, "status", "--porcelain"), "");
    expect_moved(run_here(move_in(linked, "side", oid(from), oid(to))));
    EXPECT_EQ(read_file(linked / "new.txt"), "new\n");
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

TEST_F(moving, WaitsForFilesThatTheUserHasDeleted) // read-tree would write them again
{
    const auto to = landing(base, {{"a.txt", "landed\n"}, {"c.txt", std::nullopt}});
    fs::remove(repo.top() / "a.txt");
    fs::remove(repo.top() / "c.txt"); // the landing removes it too: nothing to wait for
    EXPECT_THAT(waiting(to).paths, ElementsAre("a.txt"));
    EXPECT_FALSE(fs::exists(repo.top() / "a.txt"));
    repo.git("checkout", "-q", "a.txt");
    expect_moved(move(base, to));
    EXPECT_EQ(repo.read("a.txt"), "landed\n");
}

TEST_F(moving, WaitsForWhatIsStagedInAFolderThatBecomesAFile) // read-tree drops it, with exit status 0
{
    const auto to = landing(base, {{"deep/d.txt", std::nullopt}, {"deep", "a file now\n"}});
    repo.write("deep/d.txt", "staged\n");
    repo.git("add", "deep/d.txt");
    EXPECT_THAT(waiting(to).paths, ElementsAre("deep/d.txt"));
    EXPECT_EQ(repo.git("show", ":deep/d.txt"), "staged");
    EXPECT_EQ(repo.read("deep/d.txt"), "staged\n");
    repo.git("reset", "-q", "--hard");
    expect_moved(move(base, to));
}

TEST_F(moving, WaitsForWhatIsStagedInTheUsersOwnFolderOfThatName)
{
    const auto to = landing(base, {{"a.txt", std::nullopt}, {"a.txt/x", "a folder now\n"}});
    repo.git("rm", "-q", "a.txt");
    repo.write("a.txt/y", "mine\n");
    repo.git("add", "a.txt/y");
    EXPECT_THAT(waiting(to).paths, ElementsAre("a.txt/y"));
    EXPECT_EQ(repo.read("a.txt/y"), "mine\n");
    repo.git("rm", "-q", "-f", "a.txt/y");
    expect_moved(move(base, to));
    EXPECT_EQ(repo.read("a.txt/x"), "a folder now\n");
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

TEST_F(moving, IsRefusedInTheWordsOfTheHookThatRefuses)
{
    const auto to = landing(base, {{"a.txt", "landed\n"}});
    repo.git("branch", "target");
    const auto hook = repo.git_folder() / "hooks/reference-transaction";
    write_file(hook, "#!/bin/sh\nwhile read old new ref; do case \"$1 $ref\" in \"prepared refs/heads/\"*) "
                     "echo 'it is protected' >&2; exit 1 ;; esac; done; exit 0\n");
    fs::permissions(hook, fs::perms::owner_all);
    for (const std::string branch : {"main", "target"}) {
        const auto refused = move(base, to, branch);
        ASSERT_FALSE(refused);
        EXPECT_THAT(refused.error().what(), HasSubstr("the hook reference-transaction refused to move "));
        EXPECT_THAT(refused.error().what(), HasSubstr(branch + ": it is protected"));
        EXPECT_EQ(repo.git("rev-parse", branch), base);
    }
    EXPECT_EQ(repo.git("status", "--porcelain"), "");
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

TEST_F(moving, AFilterThatFailsTakesNoFileOfTheCheckoutAlong)
{
    repo.git("config", "filter.marked.smudge", "sed 's/^/> /'");
    repo.git("config", "filter.marked.clean", "sed 's/^> //'");
    repo.git("config", "filter.marked.required", "true");
    repo.write(".gitattributes", "*.bin filter=marked\n");
    repo.write("deep/z.bin", "> z\n");
    repo.write("gone.bin", "> gone\n");
    repo.commit("filtered");
    fs::permissions(repo.top() / "deep/z.bin", fs::perms::owner_exec, fs::perm_options::add);
    repo.commit("may be run");
    const auto from = repo.git("rev-parse", "HEAD");
    const auto to = landing(
        from,
        {{"a.txt", "landed\n"}, {"deep/z.bin", "> landed\n"}, {"gone.bin", std::nullopt}, {"n.bin", "n\n"}});
    // Whatever the attributes said before: these are new with the landing.
    const auto renamed = landing(from, {{".gitattributes", "*.txt filter=marked\n"}, {"c.txt", "> new\n"}});
    const auto written = fs::last_write_time(repo.top() / "deep/z.bin");
    repo.git("config", "filter.marked.smudge", "/bin/false");
    for (const std::string& commit : {to, renamed}) {
        const auto done = move(from, commit);
        ASSERT_FALSE(done);
        EXPECT_THAT(done.error().message(), HasSubstr("the filter marked failed"));
        EXPECT_EQ(repo.git("rev-parse", "main"), from);
        EXPECT_EQ(repo.git("status", "--porcelain"), "");
        EXPECT_EQ(repo.read("a.txt"), "a\n");
        EXPECT_EQ(repo.read("c.txt"), "c\n");
        EXPECT_EQ(repo.read("deep/z.bin"), "> z\n");
        EXPECT_EQ(repo.read("gone.bin"), "> gone\n");
    }
    EXPECT_EQ(fs::last_write_time(repo.top() / "deep/z.bin"), written);
    EXPECT_TRUE(fs::is_empty(repo.top() / ".git/graftline/scratch"));
    repo.git("config", "filter.marked.smudge", "sed 's/^/> /'");
    expect_moved(move(from, to));
    EXPECT_EQ(repo.read("deep/z.bin"), "> landed\n");
    EXPECT_EQ(repo.git("status", "--porcelain"), "");
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

TEST_F(moving, SurvivesAGarbageCollectionBetweenObjectsAndRef) // git.md 4
{
    repo.git("branch", "target");
    for (const char* branch : {"target", "main"}) {
        // Nothing reaches the landing yet: this is when collecting would break the branch.
        const auto tree =
            repo.git("rev-parse", landing(base, {{"a.txt", std::string(branch) + "\n"}}) + "^{tree}");
        const auto to = repo.git("commit-tree", "-p", base, "-m", "landing", tree);
        repo.git("reflog", "expire", "--expire=now", "--all");
        git::intent_callback collect = [&](const git::move_intent&) -> awaitable<result<void>> {
            repo.git("gc", "-q", "--prune=now");
            co_return result<void>();
        };
        expect_moved(run_here(move_in(repo.top(), branch, oid(base), oid(to), collect)));
        EXPECT_EQ(repo.git("rev-parse", branch), to);
        EXPECT_EQ(repo.git("fsck", "--no-dangling"), "");
    }
    for (const auto& entry : fs::directory_iterator(repo.git_folder() / "objects/pack"))
        EXPECT_NE(entry.path().extension(), ".keep") << "left behind";
}

TEST_F(moving, LeavesNoScratchFilesAndKeepsNothing)
{
    std::string tip = base;
    for (int n = 0; n < 5; ++n) {
        const auto to = landing(tip, {{"a.txt", std::to_string(n) + "\n"}});
        expect_moved(move(tip, to));
        tip = to;
    }
    for (const auto& entry : fs::directory_iterator(repo.git_folder() / "objects/pack"))
        EXPECT_NE(entry.path().extension(), ".keep") << "left behind";
    std::error_code none;
    EXPECT_EQ(fs::directory_iterator(repo.git_folder() / "graftline/scratch", none),
              fs::directory_iterator());
}

TEST_F(moving, IsWholeOrNotAtAllWhereverItIsCancelled)
{
    std::string tip = base;
    std::size_t landings = 0;
    bool last = false;
    for (std::size_t step = 0; !last && step < 400; step += 1 + step / 8) {
        const auto to =
            landing(tip, {{"a.txt", std::to_string(step) + "\n"}, {"n" + std::to_string(step), "n\n"}});
        asio::io_context io(1);
        asio::cancellation_signal stop;
        bool finished = false;
        asio::co_spawn(
            io, move_in(repo.top(), "main", oid(tip), oid(to)),
            asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr, outcome) { finished = true; }));
        for (std::size_t n = 0; n < step && io.run_one(); ++n) {
        }
        last = finished;
        stop.emit(asio::cancellation_type::terminal);
        run_guarded(io);
        ASSERT_TRUE(finished);
        const auto now = repo.git("rev-parse", "main");
        EXPECT_TRUE(now == tip || now == to);
        EXPECT_EQ(repo.git("status", "--porcelain"), "") << "cancelled after step " << step;
        EXPECT_FALSE(fs::exists(repo.git_folder() / "index.lock"));
        EXPECT_FALSE(fs::exists(repo.git_folder() / "HEAD.lock"));
        landings += now == to;
        tip = now;
    }
    EXPECT_TRUE(last);
    EXPECT_GT(landings, 0u);
}

TEST_F(moving, ASparseCheckoutStaysSparse)
{
    repo.commit_file("other/o.txt", "o\n");
    const auto from = repo.git("rev-parse", "HEAD");
    const auto to =
        landing(from, {{"other/o.txt", "landed\n"}, {"other/new.txt", "new\n"}, {"deep/d.txt", "landed\n"}});
    repo.git("sparse-checkout", "set", "deep");
    ASSERT_FALSE(fs::exists(repo.top() / "other"));
    expect_moved(move(from, to));
    EXPECT_FALSE(fs::exists(repo.top() / "other"));
    EXPECT_EQ(repo.read("deep/d.txt"), "landed\n");
    EXPECT_EQ(repo.git("status", "--porcelain"), "");
}

TEST_F(moving, ASubmoduleMovesInTheIndexOnly)
{
    const fs::path library = repo.root() / "library";
    fs::create_directories(library);
    repo.git_in(library, "init", "-q");
    repo.git_in(library, "commit", "-q", "--allow-empty", "-m", "one");
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library.string(), "sub");
    const auto from = repo.commit("with a submodule");
    repo.git_in(repo.top() / "sub", "commit", "-q", "--allow-empty", "-m", "two");
    const auto one = repo.git("rev-parse", from + ":sub");
    const auto two = repo.git_in(repo.top() / "sub", "rev-parse", "HEAD");
    repo.git("add", "sub");
    const auto tree = repo.git("write-tree");
    repo.git("reset", "-q");
    repo.git_in(repo.top() / "sub", "checkout", "-q", one);
    write_file(repo.top() / "sub/mine.txt", "mine\n");
    const auto to = repo.git("commit-tree", "-p", from, "-m", "landing", tree);
    repo.git("config", "submodule.recurse", "true");
    expect_moved(move(from, to));
    EXPECT_EQ(repo.git("rev-parse", ":sub"), two);
    EXPECT_EQ(repo.git_in(repo.top() / "sub", "rev-parse", "HEAD"), one);
    EXPECT_EQ(repo.read("sub/mine.txt"), "mine\n");
}

TEST(moving_sha256, Works)
{
    isolate_git();
    test_repository repo({"--object-format=sha256"});
    const auto from = repo.commit_file("a.txt", "a\n");
    repo.write("a.txt", "landed\n");
    repo.git("add", ".");
    const auto to = repo.git("commit-tree", "-p", from, "-m", "landing", repo.git("write-tree"));
    repo.git("reset", "-q", "--hard");
    const auto done = run_here(move_in(repo.top(), "main", oid(from), oid(to)));
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_TRUE(std::holds_alternative<moved>(*done));
    EXPECT_EQ(repo.read("a.txt"), "landed\n");
    EXPECT_EQ(repo.git("status", "--porcelain"), "");
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

TEST_F(recovering, TakesTheIndexBackWhereFilesDidNotLast)
{
    const auto to = landing(
        base, {{"a.txt", "landed\n"}, {"c.txt", "landed\n"}, {"new/n.txt", "n\n"}, {"new/m.txt", "m\n"}});
    repo.git("read-tree", "-m", "-u", base, to); // on the disk but for some files and a folder's name
    repo.write("a.txt", "a\n");
    fs::remove_all(repo.top() / "new");
    EXPECT_FALSE(recover(to).value());
    EXPECT_EQ(repo.git("status", "--porcelain"), "");
    EXPECT_EQ(repo.read("c.txt"), "c\n");
    const auto again = landing(base, {{"a.txt", "other\n"}, {"new/n.txt", "n\n"}});
    expect_moved(move(base, again));
    EXPECT_EQ(repo.git("status", "--porcelain"), "");
    EXPECT_EQ(repo.read("new/n.txt"), "n\n");
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

} // namespace
} // namespace graftline::test
