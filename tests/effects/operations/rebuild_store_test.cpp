#include "graftline/effects/operations/rebuild_store.hpp"

#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace graftline::effects {
namespace {

using testing::HasSubstr;

/// Overwrites the middle of the database, and drops the log of what is not in it yet.
void damage(const std::filesystem::path& folder)
{
    database(folder / "state.db").execute("PRAGMA wal_checkpoint(TRUNCATE)");
    std::filesystem::remove(folder / "state.db-wal");
    std::filesystem::remove(folder / "state.db-shm");
    std::fstream file(folder / "state.db", std::ios::binary | std::ios::in | std::ios::out);
    file.write(std::string(100, '\x01').data(), 100);
}

TEST(RebuildStore, FindsTasksAgainInTheRepository)
{
    test::workshop place;
    place.repo.commit_file("a.txt", "a\n");
    place.defaults.land = land_mode::merge;
    const auto landed = place.run({"Landed"}, "echo one > one.txt").tasks.at(0);
    ASSERT_EQ(landed.state, task_state::merged) << landed.reason;
    place.defaults.land.reset();
    const auto kept = place.run({"Kept"}, "echo two > two.txt").tasks.at(0);
    const auto failed = place.run({"Failed"}, "echo three > three.txt; exit 3").tasks.at(0);
    const auto before = place.checkout_state();

    place.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        EXPECT_FALSE((co_await rebuild_store(in)).value()) << "it is sound";
        damage(in->state_folder());
    });
    place.with([&](std::shared_ptr<project> in) -> awaitable<void> {
        const auto opened = co_await in->stored([](store&) {});
        EXPECT_TRUE(opened.has_error() && opened.error().is(errc::corrupt));
        const auto done = (co_await rebuild_store(in)).value();
        EXPECT_TRUE(done);
        if (!done) co_return;
        EXPECT_EQ(done->found, 3u);
        EXPECT_TRUE(std::filesystem::exists(done->aside));
        EXPECT_THAT(done->aside.string(), HasSubstr("state.db.corrupt-"));
    });

    const auto one = place.find(landed.id), two = place.find(kept.id), three = place.find(failed.id);
    EXPECT_EQ(one.state, task_state::merged);
    EXPECT_EQ(one.landed, landed.landed);
    EXPECT_EQ(two.state, task_state::completed);
    EXPECT_EQ(two.reason, "recovered from the repository: the database was damaged");
    EXPECT_EQ(two.spec.description, "Kept");
    EXPECT_EQ(two.branch, kept.branch);
    EXPECT_EQ(two.base, kept.base);
    EXPECT_EQ(two.commit, kept.commit);
    EXPECT_EQ(two.worktree, kept.worktree);
    EXPECT_TRUE(two.worktree_ready);
    EXPECT_EQ(two.attempts, 1);
    EXPECT_EQ(three.worktree, failed.worktree);
    EXPECT_EQ(three.commit, "");
    EXPECT_EQ(test::read_file(std::filesystem::path(three.worktree) / "three.txt"), "three\n");
    EXPECT_EQ(place.checkout_state(), before);
}

/// A repository whose database has a write-ahead log, as a crash of the machine leaves it.
class LostChanges : public testing::Test {
protected:
    LostChanges()
    {
        place.repo.commit_file("a.txt", "a\n");
        before = place.run({"Before"}, "echo one > one.txt").tasks.at(0);
        store open(folder); // the last connection would bring the log into the database
        after = place.run({"After"}, "echo two > two.txt").tasks.at(0);
        for (const char* name : {"state.db", "state.db-wal", "state.db-mark"})
            std::filesystem::copy_file(folder / name, place.repo.root() / name);
    }
    void crash()
    {
        std::filesystem::remove(folder / "state.db-shm");
        for (const char* name : {"state.db", "state.db-wal", "state.db-mark"})
            std::filesystem::copy_file(place.repo.root() / name, folder / name,
                                       std::filesystem::copy_options::overwrite_existing);
    }
    void expect_found_again()
    {
        try {
            store reads(folder);
            ADD_FAILURE() << "nothing says so";
        } catch (const fault_error& e) {
            EXPECT_TRUE(e.why().is(errc::corrupt));
            EXPECT_THAT(e.why().message(), HasSubstr("lost its latest changes"));
        }
        const auto done = place.with([](std::shared_ptr<project> in) { return rebuild_store(in); }).value();
        ASSERT_TRUE(done);
        EXPECT_TRUE(done->went_back);
        for (const auto& t : {before, after}) {
            const auto now = place.find(t.id);
            EXPECT_EQ(now.state, task_state::completed) << now.reason;
            EXPECT_EQ(now.commit, t.commit);
            EXPECT_EQ(now.worktree, t.worktree);
            EXPECT_EQ(now.spec.description, t.spec.description);
        }
        EXPECT_FALSE(place.with([](std::shared_ptr<project> in) { return rebuild_store(in); }).value());
    }

    test::workshop place;
    std::filesystem::path folder = place.repo.git_folder() / "graftline";
    task before, after;
};

TEST_F(LostChanges, AreNoticedHoweverTheLogWasLost)
{
    const auto log = folder / "state.db-wal";
    const auto size = std::filesystem::file_size(place.repo.root() / "state.db-wal");
    const std::vector<std::pair<std::string, std::function<void()>>> ways{
        {"emptied", [&] { std::filesystem::resize_file(log, 0); }},
        {"removed", [&] { std::filesystem::remove(log); }},
        {"garbage", [&] { test::write_file(log, std::string(size, 'x')); }},
        {"cut off", [&] { std::filesystem::resize_file(log, size / 2); }},
    };
    for (const auto& [name, lose] : ways) {
        SCOPED_TRACE(name);
        crash();
        lose();
        expect_found_again();
    }
}

TEST_F(LostChanges, AWholeLogIsNotTakenForALostOne)
{
    crash();
    store whole(folder);
    EXPECT_EQ(whole.find(after.id)->state, task_state::completed);
}

TEST_F(LostChanges, AMarkThatIsBehindOrDamagedAccusesNobody)
{
    const auto mark = folder / "state.db-mark";
    const auto old = test::read_file(mark);
    place.run({"Third"}, "true");
    for (const auto& text : {old, std::string(), std::string(49, '\0'), std::string("garbage")}) {
        test::write_file(mark, text);
        EXPECT_EQ(store(folder).find(after.id)->state, task_state::completed);
    }
    std::filesystem::remove(mark);
    EXPECT_EQ(store(folder).find(after.id)->state, task_state::completed);
}

} // namespace
} // namespace graftline::effects
