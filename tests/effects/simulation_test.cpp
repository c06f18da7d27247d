#include "graftline/effects/store/store.hpp"

#include "tests/effects/simulated_world.hpp"
#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <set>

namespace graftline::effects {
namespace {

using test::check_schedule;

std::optional<std::uint64_t> seed_asked_for()
{
    const char* text = std::getenv("GRAFTLINE_SEED");
    return text && *text ? std::optional(std::strtoull(text, nullptr, 10)) : std::nullopt;
}

std::string how_to_replay(std::uint64_t seed)
{
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    return "seed " + std::to_string(seed) + "; alone: GRAFTLINE_SEED=" + std::to_string(seed) +
           " test_effects --gtest_filter=" + test->test_suite_name() + "." + test->name();
}

/// Checks schedules from `first` on until `enough(count)`; how many a second is told with the test.
template <class Check, class Enough> void check_all(std::uint64_t first, Check check, Enough enough)
{
    if (const auto only = seed_asked_for()) {
        const auto wrong = check(*only);
        EXPECT_TRUE(wrong.empty()) << wrong << how_to_replay(*only);
        return;
    }
    const auto began = std::chrono::steady_clock::now();
    std::size_t count = 0;
    for (; !enough(count); ++count) {
        const auto wrong = check(first + count);
        ASSERT_TRUE(wrong.empty()) << wrong << how_to_replay(first + count);
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const auto rate = static_cast<int>(static_cast<double>(count) / took.count());
    testing::Test::RecordProperty("schedules_per_second", rate);
    if (std::getenv("GRAFTLINE_SAY_RATE")) std::cout << count << " schedules, " << rate << " a second\n";
}

std::string in_memory(std::uint64_t seed)
{
    test::records_in_memory kept;
    return check_schedule(seed, kept);
}

TEST(Simulation, NoScheduleBreaksAGuarantee)
{
    check_all(1, in_memory, [](std::size_t done) { return done == 2000; });
}

TEST(Simulation, ASeedGivesTheSameScheduleAgain)
{
    const auto story = [](std::uint64_t seed) {
        test::dice random(seed);
        const auto program = test::program_of(random);
        test::records_in_memory kept;
        std::string text;
        for (int life = 0; life < 3; ++life) {
            const auto now = test::live(program, random, kept, {});
            text += std::to_string(static_cast<int>(now.how)) + " " + std::to_string(now.begun) + "\n";
            for (const auto& one : now.seen)
                text += one.text + "\n";
        }
        for (const auto& r : kept.read())
            text += std::string(to_string(r.event)) + " " + r.path + " " + r.body + "\n";
        return text;
    };
    std::set<std::string> all;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        const auto once = story(seed);
        ASSERT_EQ(once, story(seed)) << seed;
        all.insert(once);
    }
    EXPECT_GT(all.size(), 150u) << "and another seed another one";
}

/// The journal in a database, as in a run, but written when the schedule says so.
class records_in_a_database : public test::kept_records {
public:
    explicit records_in_a_database(const std::filesystem::path& folder)
        : folder_(folder), store_(folder), db_(folder / "state.db")
    {
    }

    void add(const std::vector<journal_record>& records) override
    {
        transaction whole(db_);
        journal_inserter into(db_, folder_);
        for (const auto& r : records)
            into.insert(r);
        whole.commit();
    }
    std::vector<journal_record> read() override
    {
        std::vector<journal_record> all;
        journal_reader rows(db_, folder_, 0, run);
        while (auto r = rows.next())
            all.push_back(std::move(*r));
        return all;
    }

private:
    std::filesystem::path folder_;
    store store_; // makes the tables
    database db_;
};

TEST(Simulation, NoneDoesWithADatabaseEither)
{
    const test::temporary_folder place;
    records_in_a_database kept(place.path() / "state");
    auto in_the_database = [&](std::uint64_t seed) {
        ++kept.run;
        return check_schedule(seed, kept);
    };
    check_all(1, in_the_database, [](std::size_t done) { return done == 200; });
}

// What the simulation has found, as programs of their own.

using test::part;

part effect(int id)
{
    part made;
    made.is = part::form::effect;
    made.id = id;
    return made;
}

part group(part::form is, int id, std::vector<part> parts)
{
    part made;
    made.is = is;
    made.id = id;
    made.parts = std::move(parts);
    return made;
}

void check_schedules_of(const part& program)
{
    auto one = [&](std::uint64_t seed) {
        test::records_in_memory kept;
        return test::check_schedule_of(program, seed, kept);
    };
    check_all(1, one, [](std::size_t done) { return done == 500; });
}

// A body that went on after its cancellation got no answers in a replay: it was thrown out before it asked.
TEST(Simulation, ACancelledStrandThatGoesOnIsAnsweredAgain)
{
    auto stubborn = group(part::form::sequence, 3, {effect(4), effect(5)});
    stubborn.swallows = true;
    check_schedules_of(
        group(part::form::sequence, 0, {group(part::form::race, 1, {effect(2), stubborn}), effect(6)}));
}

// Two effects that ended at once were delivered before what the first had led to, through its combinator,
// had happened; a replay, which waits for that, gave the second another world.
TEST(Simulation, WhatADeliveryLeadsToComesBeforeTheNextOne)
{
    auto race = group(part::form::race, 2, {effect(3), effect(4)});
    race.writes_shared = true;
    auto reader = effect(7);
    reader.reads_shared = true;
    const auto reads = group(part::form::sequence, 5, {effect(6), reader});
    check_schedules_of(group(part::form::map, 1, {race, reads}));
}

// A replay took nested children for at rest that the cancellation had not come down to yet.
TEST(Simulation, ACancellationReachesTheInnermostChildBeforeTheNextDelivery)
{
    auto inner = group(part::form::map, 4, {effect(5), effect(6)});
    auto outer = group(part::form::map, 3, {inner, effect(7)});
    inner.limit = outer.limit = outer.parts.front().limit = 1;
    check_schedules_of(group(part::form::race, 1, {effect(2), outer}));
}

// What is awaited outside ends at another time in each life, and its end still comes where it came before.
TEST(Simulation, AStrandThatWasAwayComesBackWhereItDidBefore)
{
    part pause;
    pause.is = part::form::pause;
    pause.id = 3;
    auto reader = effect(5);
    reader.reads_shared = true;
    auto writes = effect(6);
    writes.writes_shared = true;
    auto away = group(part::form::sequence, 2, {pause, reader});
    away.swallows = true;
    const auto other = group(part::form::sequence, 4, {writes, effect(7)});
    check_schedules_of(group(part::form::map, 1, {away, other}));
    check_schedules_of(
        group(part::form::sequence, 0, {group(part::form::race, 1, {away, other}), effect(8)}));
}

TEST(Simulation, SoakOfAMinuteOfSchedules)
{
    const auto until = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    const auto first =
        static_cast<std::uint64_t>(std::chrono::system_clock::now().time_since_epoch().count());
    check_all(first, in_memory, [until](std::size_t) { return std::chrono::steady_clock::now() > until; });
}

} // namespace
} // namespace graftline::effects
