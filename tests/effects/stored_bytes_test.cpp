// Whatever bytes a name, a path or the words of a hook hold: what was kept is read back.
#include "graftline/effects/agent/run_agent.hpp"
#include "graftline/effects/landing/landing.hpp"
#include "graftline/effects/landing/landing_intent.hpp"
#include "graftline/effects/store/stored_rows.hpp"
#include "graftline/effects/worktree/commit_changes.hpp"

#include "tests/effects/any_bytes.hpp"
#include "tests/effects/workshop.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

constexpr int rounds = 300;

template <class T> void expect_to_read_back()
{
    for (int round = 0; round < rounds; ++round) {
        const auto value = test::any_bytes(static_cast<unsigned>(round)).make<T>();
        const auto back = parse_record<T>(record_text(value));
        ASSERT_TRUE(back) << round << ": " << back.error().message();
        ASSERT_EQ(to_stored(*back), to_stored(value)) << round;
    }
}

TEST(StoredBytes, EveryRecordReadsBack)
{
    expect_to_read_back<task>();
    expect_to_read_back<run_record>();
    expect_to_read_back<landing>();
    expect_to_read_back<change>();
    expect_to_read_back<agent_report>();
}

TEST(StoredBytes, FaultsReadBack)
{
    test::any_bytes any(1);
    for (int round = 0; round < rounds; ++round) {
        const auto why = fault(errc::command_failed, any.make<std::string>())
                             .with(any.make<std::string>(), any.make<std::string>())
                             .advise(any.make<std::string>());
        const auto back = parse_json(json::serialize(to_stored(why)));
        ASSERT_TRUE(back) << back.error().message();
        EXPECT_EQ(fault_from_stored(*back).message(), why.message());
    }
}

TEST(StoredBytes, IntentsOfLandingsReadBack)
{
    const std::string name = "caf\xE9.txt", blob(40, 'a');
    git::move_intent intent;
    intent.branch = "br\xE4nch";
    intent.from = intent.to = git::oid(blob);
    intent.checkout = "/folder \xFC";
    intent.paths.push_back({name, "100644", "100644", git::oid(blob), git::oid(blob)});
    intent.locks.emplace_back("/folder \xFC/index.lock");
    const auto back = intent_from_text(to_text(intent, landing_step{"t", blob, blob, false}));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(back->first.paths.at(0).path, name);
    EXPECT_EQ(back->first.checkout, intent.checkout);
    EXPECT_EQ(back->first.locks, intent.locks);
    EXPECT_EQ(back->first.branch, intent.branch);
}

TEST(StoredBytes, TheStoreGivesBackWhatItWasGiven)
{
    test::workshop place;
    place.with([](std::shared_ptr<project> in) -> awaitable<void> {
        std::vector<task> tasks;
        for (unsigned i = 0; i < 50; ++i) {
            auto t = test::any_bytes(i).make<task>();
            t.id = "t" + std::to_string(i);
            tasks.push_back(std::move(t));
        }
        auto run = test::any_bytes(99).make<run_record>();
        run.id = "r\xE9";
        const auto read = co_await in->must_store([&](store& s) {
            s.add(run, tasks);
            return std::pair(s.tasks(), s.find_run(run.id));
        });
        EXPECT_EQ(read.first.size(), tasks.size());
        for (std::size_t i = 0; i < read.first.size(); ++i)
            EXPECT_EQ(to_stored(read.first[i]), to_stored(tasks[i]));
        run.number = read.second.number;
        EXPECT_EQ(to_stored(read.second), to_stored(run));
    });
}

TEST(StoredBytes, WhatWouldNotReadBackIsRefusedBeforeItIsWritten)
{
    test::workshop place;
    place.with([](std::shared_ptr<project> in) -> awaitable<void> {
        json::value deep;
        for (std::size_t depth = 0; depth <= deepest_json; ++depth)
            deep = json::array{std::move(deep)};
        task t;
        t.id = "deep";
        t.spec.metadata["x"] = std::move(deep);
        const auto added = co_await in->stored([&](store& s) { s.add(t); });
        EXPECT_TRUE(added.has_error() && added.error().is(errc::invalid));
        EXPECT_TRUE((co_await in->must_store([](store& s) { return s.tasks(); })).empty());
    });
}

TEST(StoredBytes, ABadRowIsLeftOutWhereItIsNotNeeded)
{
    test::workshop place;
    place.with([](std::shared_ptr<project> in) -> awaitable<void> {
        task good, bad;
        good.id = "good";
        bad.id = "bad";
        co_await in->must_store([&](store& s) { s.add(std::vector{bad, good}); });
        database(in->state_folder() / "state.db").execute("UPDATE tasks SET record = 'x' WHERE id = 'bad'");
        std::vector<std::string> told;
        const auto read = co_await in->must_store([&](store& s) {
            return s.tasks([&](unreadable_row&& row) { told.push_back(row.table + " " + row.id); });
        });
        EXPECT_THAT(ids_of(read), testing::ElementsAre("good"));
        EXPECT_THAT(told, testing::ElementsAre("tasks bad"));
        EXPECT_TRUE(co_await in->must_store([](store& s) { return s.find("good").has_value(); }));
        const auto needed = co_await in->stored([](store& s) { return s.tasks(); });
        EXPECT_TRUE(needed.has_error() && needed.error().is(errc::corrupt));
    });
}

} // namespace
} // namespace graftline::effects
