#include "tests/crash/twenty_tasks.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"

#include <cstdio>
#include <cstdlib>
#include <random>

namespace graftline::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

/// The end without a kill, how many writes of the journal it took, and how long.
class Crash : public testing::Test {
protected:
    void SetUp() override
    {
        one_run undisturbed(tasks);
        const auto counted = undisturbed.folder() / "count";
        const auto began = clock::now();
        const auto ended = undisturbed.graftline(
            undisturbed.first_words(), with_failing_writes({"GRAFTLINE_TEST_COUNT_IN=" + counted.string()}));
        took = std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - began);
        ASSERT_EQ(ended.status, 1) << ended.err;
        const auto text = contents_of(counted);
        ASSERT_NE(text, "") << "no write was counted";
        writes = std::stol(text);
        right = undisturbed.finish();
        ASSERT_EQ(right.states.size(), 20u) << right.told();
        ASSERT_EQ(right.landings.size(), 16u) << right.told();
        ASSERT_TRUE(right.wrong.empty()) << right.told();
    }

    void expect_the_same(one_run& run, const std::string& how)
    {
        const auto end = run.finish();
        EXPECT_TRUE(end.states == right.states && end.landings == right.landings && end.tree == right.tree &&
                    end.wrong.empty())
            << how << "\n"
            << end.told() << "instead of\n"
            << right.told();
    }

    void kill_at_write(long at)
    {
        one_run run(tasks);
        run.graftline(run.first_words(),
                      with_failing_writes({"GRAFTLINE_TEST_KILL_AT=" + std::to_string(at)}));
        expect_the_same(run, "killed before write " + std::to_string(at) + " of " + std::to_string(writes));
    }

    void kill_after(std::chrono::milliseconds time)
    {
        one_run run(tasks);
        run.graftline(run.first_words(), {}, time);
        expect_the_same(run, "killed after " + std::to_string(time.count()) + " ms");
    }

    /// `count` writes, evenly over all of them.
    std::vector<long> chosen(long count) const
    {
        std::vector<long> all;
        for (long i = 0; i < count; ++i)
            all.push_back(1 + i * writes / count);
        return all;
    }

    longer_hang_limit limit_{std::chrono::seconds(100)};
    twenty_tasks tasks;
    run_end right;
    long writes = 0;
    std::chrono::milliseconds took{};
};

TEST_F(Crash, KilledAtAWriteOfTheJournalItEndsAsIfItHadNotBeen)
{
    for (const long at : chosen(4))
        kill_at_write(at);
}

/// As many as fit in eight minutes (GRAFTLINE_TEST_MINUTES), in an order that spreads them from the start.
TEST_F(Crash, SoakEveryWriteOfTheJournal)
{
    const char* minutes = std::getenv("GRAFTLINE_TEST_MINUTES");
    const auto end = clock::now() + std::chrono::minutes(minutes ? std::atol(minutes) : 8);
    const double golden = 0.6180339887498949;
    double at = 0;
    long done = 0;
    for (; clock::now() < end && done < writes; ++done) {
        const long write = 1 + static_cast<long>(at * static_cast<double>(writes));
        std::printf("kill before write %ld of %ld\n", write, writes);
        std::fflush(stdout);
        kill_at_write(write);
        at += golden;
        at -= static_cast<long>(at);
    }
    std::printf("%ld kill points\n", done);
}

TEST_F(Crash, SoakAtRandomInstants)
{
    const char* given = std::getenv("GRAFTLINE_TEST_SEED");
    const auto seed = given ? std::strtoul(given, nullptr, 10) : 20261121UL;
    std::mt19937_64 random(seed);
    for (int i = 0; i < 200; ++i) {
        const auto time = std::chrono::milliseconds(random() % static_cast<unsigned long>(took.count()));
        std::printf("seed %lu, kill %d after %ld ms\n", seed, i, static_cast<long>(time.count()));
        std::fflush(stdout);
        kill_after(time);
    }
}

} // namespace
} // namespace graftline::test
