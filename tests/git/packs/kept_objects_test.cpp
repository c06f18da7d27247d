#include "graftline/git/commits/make_commit.hpp"
#include "graftline/git/landing/move_target.hpp"
#include "graftline/git/merge/merge.hpp"
#include "graftline/git/packs/kept_objects.hpp"
#include "graftline/git/packs/landing_packs.hpp"
#include "graftline/git/packs/pack_file.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"

#include "tests/support/cancel_at_every_step.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/test_repository.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>
#include <sstream>
#include <thread>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;
using git::kept_objects;
using git::new_objects;
using git::oid;
using testing::HasSubstr;
using testing::IsEmpty;

std::set<std::string> lines_of(const std::string& text)
{
    std::set<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.insert(line);
    return lines;
}

class keeping : public testing::Test {
protected:
    void SetUp() override
    {
        isolate_git();
        for (int n = 0; n < 6; ++n)
            repo.write("dir" + std::to_string(n) + "/file.txt", "base\n");
        base = repo.commit("base");
        repo.git("branch", "target");
    }
    fs::path packs() const { return repo.git_folder() / "objects/pack"; }
    std::vector<fs::path> files(const std::string& extension) const
    {
        std::vector<fs::path> found;
        for (const auto& entry : fs::directory_iterator(packs()))
            if (entry.path().extension() == extension) found.push_back(entry.path());
        return found;
    }
    std::vector<fs::path> scratch_left() const
    {
        std::vector<fs::path> found;
        std::error_code none;
        for (const auto& entry : fs::directory_iterator(repo.git_folder() / "graftline/scratch", none))
            found.push_back(entry.path());
        return found;
    }
    std::size_t loose() const
    {
        std::istringstream text(repo.git("count-objects"));
        std::size_t count = 0;
        text >> count;
        return count;
    }
    /// The ids in all packs that are kept.
    std::set<std::string> kept_ids() const
    {
        std::set<std::string> ids;
        for (const fs::path& keep : files(".keep")) {
            const fs::path index = fs::path(keep).replace_extension(".idx");
            std::istringstream listing(repo.git("verify-pack", "-v", index.string()));
            for (std::string id, type, rest; listing >> id >> type && std::getline(listing, rest);)
                if (id.size() == 40) ids.insert(id);
        }
        return ids;
    }
    /// What `to` reaches and `from` does not. Git's own `rev-list to ^from` also lists some of what `from`
    /// has.
    std::set<std::string> reached(const std::string& to, const std::string& from) const
    {
        auto ids = lines_of(repo.git("rev-list", "--objects", "--no-object-names", to));
        for (const std::string& id : lines_of(repo.git("rev-list", "--objects", "--no-object-names", from)))
            ids.erase(id);
        return ids;
    }
    /// A commit on `parent` with a changed file, known to no ref.
    std::string change(const std::string& parent, const std::string& file, const std::string& text)
    {
        repo.git("checkout", "-q", "--detach", parent);
        const std::string id = repo.commit_file(file, text);
        repo.git("checkout", "-q", "main");
        return id;
    }
    /// Merges `theirs` into `ours`, and keeps it, while `look` is called with the merge.
    template <class Look> void merge_and_keep(const std::string& ours, const std::string& theirs, Look look)
    {
        auto body = [&]() -> awaitable<void> {
            auto found = (co_await git::repository::discover(repo.top())).value();
            auto merged = (co_await git::merge_commits(*found, oid(ours), oid(theirs))).value();
            EXPECT_TRUE(merged.clean());
            std::vector<oid> parents{oid(ours), oid(theirs)};
            const oid to = (co_await git::make_commit(*found, merged.tree, parents, "merge\n",
                                                      git::commit_author(), merged.objects))
                               .value();
            auto kept = co_await kept_objects::keep(*found, std::move(merged.objects), to, oid(ours));
            EXPECT_TRUE(kept) << kept.error().message();
            look(to.hex());
        };
        run_here(body());
    }

    test_repository repo;
    std::string base;
};

TEST_F(keeping, PacksWhatOnlyMemoryHoldsAndTheTaskBelowIt)
{
    const auto ours = change(base, "dir1/file.txt", "ours\n");
    repo.git("branch", "-f", "target", ours);
    const auto theirs = change(change(base, "dir2/sub/new.txt", "new\n"), "dir3/file.txt", "theirs\n");
    merge_and_keep(ours, theirs, [&](const std::string& to) {
        EXPECT_EQ(files(".keep").size(), 1u);
        EXPECT_EQ(kept_ids(), reached(to, ours));
        // Nothing reaches the merge, and nothing the task: the pack alone holds them after this.
        repo.git("reflog", "expire", "--expire=now", "--all");
        repo.git("gc", "-q", "--prune=now");
        repo.git("update-ref", "refs/heads/target", to, ours);
        EXPECT_EQ(repo.git("fsck", "--no-dangling"), "");
        EXPECT_EQ(repo.git("show", "target:dir3/file.txt"), "theirs");
    });
    EXPECT_THAT(files(".keep"), IsEmpty());
}

TEST_F(keeping, PacksWhatGitMadeInAFolder)
{
    // Renamed here, changed there: git's merge, in a folder of objects of its own.
    repo.git("checkout", "-q", "--detach", base);
    repo.git("mv", "dir1", "moved");
    const auto ours = repo.commit("move");
    repo.git("checkout", "-q", "main");
    repo.git("branch", "-f", "target", ours);
    const auto theirs = change(base, "dir1/file.txt", "base\nmore\n");
    merge_and_keep(ours, theirs, [&](const std::string& to) {
        EXPECT_EQ(kept_ids(), reached(to, ours));
        EXPECT_EQ(repo.git("show", to + ":moved/file.txt"), "base\nmore");
    });
}

TEST_F(keeping, NeverLeavesAnythingOutOfARandomHistory)
{
    std::mt19937 random(11);
    const auto one_of = [&](const auto& list) { return list[random() % list.size()]; };
    std::vector<std::string> commits{base};
    for (int n = 0; n < 40; ++n) {
        const std::string file = "dir" + std::to_string(random() % 6) + "/" + (random() % 2 ? "deep/" : "") +
                                 "f" + std::to_string(random() % 4);
        std::string id = change(one_of(commits), file, std::to_string(random() % 5) + "\n");
        if (n % 3 == 2) // a merge with any tree: what it holds is from anywhere
            id = repo.git("commit-tree", "-m", "merge", "-p", id, "-p", one_of(commits),
                          one_of(commits) + "^{tree}");
        commits.push_back(std::move(id));
    }
    auto body = [&]() -> awaitable<void> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        for (int n = 0; n < 25; ++n) {
            const std::string to = one_of(commits), from = one_of(commits);
            auto kept = co_await kept_objects::keep(*found, new_objects(), oid(to), oid(from));
            EXPECT_TRUE(kept) << kept.error().message();
            const auto packed = kept_ids();
            for (const std::string& id : reached(to, from))
                EXPECT_TRUE(packed.contains(id)) << id << " of " << to << " without " << from;
        }
    };
    run_here(body());
}

TEST_F(keeping, LeavesNothingOutWhereACommitSwapsTwoFolders)
{
    const auto first = change(change(base, "dir1/shared", "new\n"), "dir2/shared", "new\n");
    repo.git("checkout", "-q", "--detach", change(first, "dir1/one", "1\n"));
    repo.git("mv", "dir1", "dir9");
    repo.git("mv", "dir2", "dir1");
    repo.git("mv", "dir9", "dir2");
    const auto to = repo.commit("swap");
    auto body = [&]() -> awaitable<void> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        auto kept = co_await kept_objects::keep(*found, new_objects(), oid(to), oid(base));
        EXPECT_EQ(kept_ids(), reached(to, base));
    };
    run_here(body());
}

TEST_F(keeping, RefusesWhenAnObjectIsMissing)
{
    const auto to = change(base, "dir1/file.txt", "lost\n");
    const auto blob = repo.git("rev-parse", to + ":dir1/file.txt");
    fs::remove(repo.git_folder() / "objects" / blob.substr(0, 2) / blob.substr(2));
    auto body = [&]() -> awaitable<result<kept_objects>> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        co_return co_await kept_objects::keep(*found, new_objects(), oid(to), oid(base));
    };
    std::optional<fault> why;
    auto run = [&]() -> awaitable<void> {
        auto kept = co_await body();
        if (!kept) why = kept.error();
    };
    run_here(run());
    ASSERT_TRUE(why);
    EXPECT_TRUE(why->is(errc::command_failed));
    EXPECT_THAT(why->message(), HasSubstr(blob));
    EXPECT_THAT(files(".pack"), IsEmpty());
    EXPECT_THAT(scratch_left(), IsEmpty());
}

TEST_F(keeping, LeavesVeryMuchToGit)
{
    const auto to = change(base, "large", std::string(std::size_t{65} << 20, 'x'));
    auto body = [&]() -> awaitable<void> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        auto kept = co_await kept_objects::keep(*found, new_objects(), oid(to), oid(base));
        EXPECT_TRUE(kept) << kept.error().message();
        EXPECT_EQ(kept_ids(), reached(to, base));
    };
    run_here(body());
}

class landing_many : public keeping {
protected:
    /// Lands a change of a file of its own on target, as the queue does: merged, committed, moved.
    awaitable<void> land(git::repository& into, std::string task)
    {
        for (;;) {
            const oid tip = (co_await git::resolve(into, "refs/heads/target")).value();
            auto merged = (co_await git::merge_commits(into, tip, oid(task))).value();
            std::vector<oid> parents{tip, oid(task)};
            const oid to = (co_await git::make_commit(into, merged.tree, parents, "landing\n",
                                                      git::commit_author(), merged.objects))
                               .value();
            auto done = co_await git::move_target(into, "target", tip, to, "graftline: land",
                                                  git::intent_callback(), std::move(merged.objects));
            if (done) co_return;
            // Collected before it was kept: as in life, the landing is made once more.
            if (!done.error().is(errc::command_failed) && !done.error().is(errc::moved))
                throw fault_error(done.error());
        }
    }
    /// Changes of files of their own, each on a branch, loose as agents leave them.
    std::vector<std::string> tasks(int count)
    {
        std::vector<std::string> made;
        for (int n = 0; n < count; ++n) {
            const std::string name = "task" + std::to_string(n);
            made.push_back(change(base, "dir" + std::to_string(n % 6) + "/" + name, name + "\n"));
            repo.git("branch", name, made.back());
        }
        return made;
    }
    void expect_all_landed(int count)
    {
        const auto landed = lines_of(repo.git("ls-tree", "-r", "--name-only", "target"));
        for (int n = 0; n < count; ++n)
            EXPECT_TRUE(landed.contains("dir" + std::to_string(n % 6) + "/task" + std::to_string(n)));
        EXPECT_EQ(repo.git("fsck", "--no-dangling"), "");
    }
};

TEST_F(landing_many, LeavesFewPacksAndFewLooseObjects)
{
    const auto changes = tasks(70);
    const auto before = loose();
    repo.git("tag", "users", base);
    auto body = [&]() -> awaitable<void> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        for (const std::string& task : changes)
            co_await land(*found, task);
    };
    run_here(body());
    expect_all_landed(70);
    EXPECT_LE(files(".pack").size(), 20u);
    EXPECT_EQ(files(".pack").size(), files(".idx").size());
    EXPECT_THAT(files(".keep"), IsEmpty());
    EXPECT_LT(loose(), before / 2) << "agents' objects pile up beside their packed copies";
    EXPECT_THAT(scratch_left(), IsEmpty());
}

TEST_F(landing_many, LeavesPacksAloneWhileGitCollects)
{
    const auto changes = tasks(25);
    write_file(repo.git_folder() / "gc.pid", "1 elsewhere\n");
    auto body = [&]() -> awaitable<void> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        for (const std::string& task : changes)
            co_await land(*found, task);
        EXPECT_EQ(files(".pack").size(), 25u);
        fs::remove(repo.git_folder() / "gc.pid");
        repo.git("multi-pack-index", "write");
        co_await land(*found, change(base, "dir1/more", "more\n"));
        EXPECT_EQ(files(".pack").size(), 26u);
        fs::remove(packs() / "multi-pack-index");
        co_await land(*found, change(base, "dir1/last", "last\n"));
        EXPECT_LT(files(".pack").size(), 10u);
    };
    run_here(body());
    expect_all_landed(25);
}

TEST_F(landing_many, CombinesNoPackOfTheUsers)
{
    const auto changes = tasks(41);
    repo.git("repack", "-q", "-d");
    const auto users = files(".pack").at(0);
    auto body = [&]() -> awaitable<void> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        for (const std::string& task : changes)
            co_await land(*found, task);
    };
    run_here(body());
    EXPECT_TRUE(fs::exists(users));
    expect_all_landed(41);
}

TEST_F(landing_many, NeedsNoGitForIt)
{
    const auto changes = tasks(25);
    const fs::path empty = repo.root() / "empty";
    fs::create_directory(empty);
    const std::string path = std::getenv("PATH");
    auto body = [&]() -> awaitable<void> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        co_await land(*found, changes[0]); // settings are asked for once
        setenv("PATH", empty.c_str(), 1);
        for (std::size_t n = 1; n < changes.size(); ++n)
            co_await land(*found, changes[n]);
    };
    EXPECT_NO_THROW(run_here(body()));
    setenv("PATH", path.c_str(), 1);
    expect_all_landed(25);
    EXPECT_LT(files(".pack").size(), 10u) << "combined without git";
}

TEST_F(landing_many, CombinesNothingWithADamagedPack)
{
    const auto changes = tasks(25);
    auto body = [&]() -> awaitable<void> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        co_await land(*found, changes[0]);
        const fs::path damaged = files(".pack").at(0);
        for (std::size_t n = 1; n < 15; ++n)
            co_await land(*found, changes[n]);
        // Its last object is the folder at the top as that landing made it: there is no other copy.
        std::string bytes = read_file(damaged);
        bytes[bytes.size() - 30] ^= 1;
        fs::remove(damaged);
        write_file(damaged, bytes);
        for (std::size_t n = 15; n < changes.size(); ++n)
            co_await land(*found, changes[n]);
        EXPECT_TRUE(fs::exists(damaged)) << "what can still be read of it would be lost";
    };
    run_here(body());
    EXPECT_EQ(files(".pack").size(), 25u);
    EXPECT_THAT(files(".keep"), IsEmpty());
}

TEST_F(landing_many, IsOnTheDiskWhenThatIsAsked)
{
    const auto changes = tasks(3);
    auto body = [&]() -> awaitable<void> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        found->set_durability(git::durability::power);
        for (const std::string& task : changes)
            co_await land(*found, task);
    };
    run_here(body());
    expect_all_landed(3);
    EXPECT_FALSE(try_git(repo.top(), {"config", "core.fsyncObjectFiles"}).ok);
}

/// A killed process leaves what it has not installed yet: where the next command looks for it.
TEST_F(keeping, WritesNothingAmongGitsPacksBeforeItIsInstalled)
{
    auto body = [&]() -> awaitable<void> {
        auto found = (co_await git::repository::discover(repo.top())).value();
        git::pack_file pack;
        git_oid any{};
        any.id[0] = 1;
        pack.add(any, GIT_OBJECT_BLOB, "text").value();
        const auto draft = git::landing_packs::draft(*found, pack).value();
        for (const fs::path& file : draft.files()) {
            EXPECT_TRUE(fs::exists(file));
            EXPECT_EQ(file.parent_path().parent_path(), git::scratch_beside_objects(*found));
        }
    };
    run_here(body());
    EXPECT_TRUE(fs::is_empty(packs()));
    EXPECT_THAT(scratch_left(), IsEmpty());
}

class landing_elsewhere : public landing_many {
protected:
    void SetUp() override
    {
        landing_many::SetUp();
        std::string name = "/dev/shm/graftline-test-XXXXXX";
        if (!::mkdtemp(name.data())) GTEST_SKIP() << "there is no other file system in /dev/shm";
        elsewhere = name;
        fs::remove(packs());
        fs::create_directory_symlink(elsewhere, packs());
    }
    void TearDown() override
    {
        std::error_code ignored;
        if (!elsewhere.empty()) fs::remove_all(elsewhere, ignored);
    }
    void land_all(const std::vector<std::string>& changes)
    {
        auto body = [&]() -> awaitable<void> {
            auto found = (co_await git::repository::discover(repo.top())).value();
            for (const std::string& task : changes)
                co_await land(*found, task);
        };
        run_here(body());
    }
    fs::path elsewhere;
};

TEST_F(landing_elsewhere, PutsPacksOnAnotherDisk)
{
    land_all(tasks(2));
    expect_all_landed(2);
    EXPECT_EQ(files(".idx").size(), 2u);
    EXPECT_THAT(scratch_left(), IsEmpty());
}

TEST_F(landing_elsewhere, RemovesTheHalfCopyThatACrashLeft)
{
    const auto name = [&](const char* of) {
        return elsewhere / (std::string("tmp_pack-67726166746c696e65") + of + ".pack");
    };
    for (const char* of : {"0", "1"})
        write_file(name(of), "half");
    fs::last_write_time(name("0"), fs::file_time_type::clock::now() - std::chrono::hours(25));
    land_all(tasks(1));
    EXPECT_FALSE(fs::exists(name("0")));
    EXPECT_TRUE(fs::exists(name("1"))) << "somebody may be writing it";
}

class collecting : public landing_many {
protected:
    /// Lands while somebody collects garbage without pause.
    void land_against_gc(int count, std::vector<std::string> collect)
    {
        const auto changes = tasks(count);
        std::atomic<bool> stop{false};
        std::atomic<int> rounds{0};
        std::thread user([&] {
            while (!stop) {
                try_git(repo.top(), {"reflog", "expire", "--expire=now", "--all"});
                if (try_git(repo.top(), collect).ok) ++rounds;
            }
        });
        auto body = [&]() -> awaitable<void> {
            auto found = (co_await git::repository::discover(repo.top())).value();
            for (const std::string& task : changes)
                co_await land(*found, task);
        };
        EXPECT_NO_THROW(run_here(body()));
        stop = true;
        user.join();
        EXPECT_GT(rounds, 0);
        expect_all_landed(count);
    }
};

TEST_F(collecting, LosesNothingToACollectionThatRunsAllTheTime)
{
    land_against_gc(60, {"gc", "-q", "--prune=now"});
}

TEST_F(collecting, LosesNothingToARepackThatRunsAllTheTime)
{
    land_against_gc(60, {"repack", "-a", "-d", "-q"});
}

TEST_F(collecting, SoakLosesNothingInManyLandings)
{
    land_against_gc(600, {"gc", "-q", "--prune=now"});
}

/// Keeps a landing and settles it, in a repository that lives on.
class one_landing : public scenario {
public:
    one_landing(const test_repository& where, std::string to, std::string from)
        : where_(where), to_(std::move(to)), from_(std::move(from))
    {
    }
    awaitable<void> body() override
    {
        auto found = (co_await git::repository::discover(where_.top())).value();
        auto kept = co_await kept_objects::keep(*found, new_objects(), oid(to_), oid(from_));
        if (kept) co_await kept->settle(*found);
    }
    void check() override
    {
        for (const auto& entry : fs::directory_iterator(where_.git_folder() / "objects/pack")) {
            EXPECT_NE(entry.path().extension(), ".keep");
            EXPECT_FALSE(entry.path().filename().string().starts_with("tmp_")) << entry.path();
        }
        std::error_code none;
        for (const auto& entry : fs::directory_iterator(where_.git_folder() / "graftline/scratch", none))
            ADD_FAILURE() << "left behind: " << entry.path();
    }

private:
    const test_repository& where_;
    std::string to_, from_;
};

TEST_F(keeping, LeavesOnlyWhatGitMayCollectWhereverItIsCancelled)
{
    const auto to = change(base, "dir1/file.txt", "changed\n");
    cancel_at_every_step([&](asio::io_context&) { return std::make_unique<one_landing>(repo, to, base); });
    EXPECT_EQ(repo.git("fsck", "--no-dangling"), "");
    abandon_at_every_step([&](asio::io_context&) { return std::make_unique<one_landing>(repo, to, base); });
    EXPECT_EQ(repo.git("fsck", "--no-dangling"), "");
}

} // namespace
} // namespace graftline::test
