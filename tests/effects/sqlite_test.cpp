#include "graftline/effects/sqlite.hpp"

#include "tests/effects/workshop.hpp"
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

struct ways {
    std::string journal;
    std::int64_t synchronous;
    std::int64_t patience_ms;
};

ways of(database& db)
{
    auto journal = db.query("PRAGMA journal_mode");
    auto synchronous = db.query("PRAGMA synchronous");
    auto patience = db.query("PRAGMA busy_timeout");
    EXPECT_TRUE(journal.next() && synchronous.next() && patience.next());
    return {journal.text(0), synchronous.integer(0), patience.integer(0)};
}

constexpr std::int64_t normal = 1, full = 2;

// Readers too: while others write, opening and reading may have to wait.
TEST(Sqlite, WritesAheadSyncsAsAskedAndWaitsForOthersAtLeastTenSeconds)
{
    const test::temporary_folder place;
    database usual(place.path() / "a.db");
    EXPECT_EQ(of(usual).journal, "wal");
    EXPECT_EQ(of(usual).synchronous, normal);
    EXPECT_GE(of(usual).patience_ms, 10'000);
    database durable(place.path() / "b.db", database::commits::survive_power);
    EXPECT_EQ(of(durable).journal, "wal");
    EXPECT_EQ(of(durable).synchronous, full);
    EXPECT_GE(of(durable).patience_ms, 10'000);
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
