#include "tests/effects/effects_on_record.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::effects {
namespace {

journal_record record_of(std::string path)
{
    journal_record r;
    r.run = 1;
    r.path = std::move(path);
    return r;
}

std::vector<std::string> paths_in(store& s)
{
    std::vector<std::string> paths;
    s.read_journal(0, 1, [&](journal_record&& r) {
        paths.push_back(r.path);
        return true;
    });
    return paths;
}

TEST(Journal, CommitsInTheOrderInWhichRecordsWereHandedOver)
{
    test::workshop place;
    place.with([](std::shared_ptr<project> in) -> awaitable<void> {
        co_await in->must_store([](store&) {});
        std::vector<std::string> wanted;
        journal::ticket last;
        for (int i = 0; i < 1000; ++i) {
            wanted.push_back(std::to_string(i));
            last = in->journal().append(record_of(wanted.back()));
            if (i % 100 == 0) co_await journal::committed(last);
        }
        co_await journal::committed(last);
        EXPECT_EQ(co_await in->must_store(paths_in), wanted);
    });
}

TEST(Journal, OutlivesAProjectThatDidNotWait)
{
    test::workshop place;
    {
        asio::io_context io(1);
        auto in = place.open(io);
        test::run_here(io, [](std::shared_ptr<project> one) -> awaitable<void> {
            co_await one->must_store([](store&) {});
            one->journal().append(record_of("0"));
        }(in));
    }
    place.with([](std::shared_ptr<project> in) -> awaitable<void> {
        const auto there = co_await in->must_store(paths_in);
        EXPECT_THAT(there, testing::ElementsAre("0")) << "the loop does not end before it is written";
    });
}

TEST(Journal, AFailureToWriteIsToldToAllThatComeAfter)
{
    test::workshop place;
    place.with([](std::shared_ptr<project> in) -> awaitable<void> {
        co_await in->must_store([](store&) {});
        database(in->state_folder() / "state.db").execute("DROP TABLE journal");
        const auto lost = in->journal().append(record_of("0"));
        bool told = false;
        try {
            co_await journal::committed(lost);
        } catch (const fault_error&) {
            told = true;
        }
        EXPECT_TRUE(told);
        EXPECT_THROW(in->journal().append(record_of("1")), fault_error);
        EXPECT_FALSE(co_await in->journal().flush());
    });
}

/// Holds what it is given until it is let go on.
class slow_storage : public journal_storage {
public:
    void write(const std::vector<journal_record>& records,
               std::function<void(std::optional<fault>)> written) override
    {
        EXPECT_FALSE(written_) << "one after the other";
        batches.emplace_back();
        for (const auto& r : records)
            batches.back().push_back(r.path);
        written_ = std::move(written);
    }
    void go_on() { std::exchange(written_, nullptr)(std::nullopt); }
    std::vector<std::vector<std::string>> batches;

private:
    std::function<void(std::optional<fault>)> written_;
};

TEST(Journal, WhatGathersWhileABatchIsWrittenIsTheNextOne)
{
    asio::io_context io(1);
    const auto slow = std::make_shared<slow_storage>();
    journal tested(io.get_executor(), slow);
    for (const auto* path : {"0", "1", "2", "3"})
        tested.append(record_of(path));
    slow->go_on();
    tested.append(record_of("4"));
    slow->go_on();
    slow->go_on();
    using batch = std::vector<std::string>;
    EXPECT_THAT(slow->batches, testing::ElementsAre(batch{"0"}, batch{"1", "2", "3"}, batch{"4"}));
}

TEST(Journal, ARunWhoseOutcomesCouldNotBeWrittenHasNotEnded)
{
    test::workshop place;
    place.with([](std::shared_ptr<project> in) -> awaitable<void> {
        observer nobody;
        const auto begun = (co_await run::begin(in, run_record(), nobody)).value();
        database db(in->state_folder() / "state.db");
        db.execute("ALTER TABLE journal RENAME TO gone");
        in->journal().append(record_of("0"));
        EXPECT_FALSE(co_await in->journal().flush());
        db.execute("ALTER TABLE gone RENAME TO journal"); // the disk is well again
        EXPECT_FALSE(co_await begun->end());
        const auto now = co_await in->must_store([&](store& s) { return s.find_run(begun->id()); });
        EXPECT_EQ(now.outcome, "");
    });
}

/// Says whether its request was on record when it began.
struct look {
    static constexpr std::string_view kind = "look";
    using outcome = test::said_back;
    std::string name;
    awaitable<result<test::said_back>> carry_out(run& r) const
    {
        const auto number = r.record().number;
        const auto there = co_await r.in().must_store([&](store& s) {
            bool found = false;
            s.read_journal(0, number, [&](journal_record&& one) {
                found |= one.event == journal_event::requested && one.kind == "look";
                return true;
            });
            return found;
        });
        co_return test::said_back{there ? "on record" : "not yet"};
    }
};
BOOST_DESCRIBE_STRUCT(look, (), (name))

TEST(Journal, NoEffectBeginsBeforeItsRequestIsCommitted)
{
    test::workshop place;
    std::string said;
    test::program body = [&](context& ctx) -> awaitable<void> {
        look one{"x"};
        said = (co_await ctx.perform(one)).text;
    };
    place.with([&](std::shared_ptr<project> in) {
        return test::carry_out_program(std::move(in), {}, body, test::ends::orderly);
    });
    EXPECT_EQ(said, "on record");
}

TEST(Journal, ArgumentsAreTheSameHoweverTheyAreSaid)
{
    const auto defaults = json::parse(R"({"a": 1, "b": "", "c": []})");
    EXPECT_EQ(canonical_text(json::parse(R"({"b": "x", "a": 1, "c": []})"), defaults), R"({"b":"x"})");
    EXPECT_EQ(canonical_text(json::parse(R"({"c": [{"z": 1, "y": 2}], "a": 2})"), defaults),
              R"({"a":2,"c":[{"y":2,"z":1}]})");
}

} // namespace
} // namespace graftline::effects
