#include "graftline/effects/db/sqlite.hpp"

#include "tests/effects/workshop.hpp"
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace graftline::effects {
namespace {

struct ways {
    std::string journal;
    std::int64_t synchronous;
};

ways of(database& db)
{
    auto journal = db.query("PRAGMA journal_mode");
    auto synchronous = db.query("PRAGMA synchronous");
    EXPECT_TRUE(journal.next() && synchronous.next());
    return {journal.text(0), synchronous.integer(0)};
}

constexpr std::int64_t normal = 1, full = 2;

TEST(Sqlite, WritesAheadAndSyncsAsAsked)
{
    const test::temporary_folder place;
    database usual(place.path() / "a.db");
    EXPECT_EQ(of(usual).journal, "wal");
    EXPECT_EQ(of(usual).synchronous, normal);
    database durable(place.path() / "b.db", database::commits::survive_power);
    EXPECT_EQ(of(durable).journal, "wal");
    EXPECT_EQ(of(durable).synchronous, full);
}

TEST(Sqlite, SyncsWhatIsPromisedAndNothingElse)
{
    const test::temporary_folder place;
    const auto after = [&](database& db, lasting when) {
        transaction whole(db, when);
        whole.commit();
        return of(db).synchronous;
    };
    database durable(place.path() / "a.db", database::commits::survive_power);
    EXPECT_EQ(after(durable, lasting::with_the_next), normal);
    EXPECT_EQ(after(durable, lasting::at_once), full);
    database usual(place.path() / "b.db");
    EXPECT_EQ(after(usual, lasting::at_once), normal);
}

/// As another process would, past the turns that the threads of this one take.
TEST(Sqlite, WaitsForTheTransactionOfAnother)
{
    const test::temporary_folder place;
    const auto file = place.path() / "a.db";
    database other(file);
    other.execute("CREATE TABLE t (x)");
    other.execute("BEGIN IMMEDIATE");
    std::atomic<bool> written = false;
    std::thread waits([&] {
        try {
            database mine(file);
            transaction whole(mine);
            mine.execute("INSERT INTO t VALUES (1)");
            whole.commit();
            written = true;
        } catch (const fault_error& e) {
            ADD_FAILURE() << e.what();
        }
    });
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    EXPECT_FALSE(written);
    other.execute("COMMIT");
    waits.join();
    EXPECT_TRUE(written);
}

TEST(Sqlite, DurabilityIsAsTheSettingsSay)
{
    const auto durability = [](const std::string& settings) {
        test::workshop w;
        w.repo.commit_file("graftline.toml", settings);
        return w.with([](std::shared_ptr<project> in) -> awaitable<std::pair<bool, bool>> {
            co_return std::pair(in->durability() == database::commits::survive_power,
                                in->repository().durable() == git::durability::power);
        });
    };
    EXPECT_EQ(durability(""), std::pair(true, true));
    EXPECT_EQ(durability("[run]\ndurability = \"process\"\n"), std::pair(false, false));
    EXPECT_EQ(durability("[run]\ndurability = \"power\"\n"), std::pair(true, true));
}

} // namespace
} // namespace graftline::effects
