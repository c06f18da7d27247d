#include "tests/crash/twenty_tasks.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>

namespace graftline::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

long number_from(const char* name, long otherwise)
{
    const char* given = std::getenv(name);
    return given ? std::atol(given) : otherwise;
}

std::vector<std::string> killed_at(long boundary)
{
    return with_failing_writes({"GRAFTLINE_TEST_KILL_AT=" + std::to_string(boundary)});
}

/// The end without a kill, how many boundaries of the journal it had, and how long it took. Boundaries are
/// where the journal, seen by whoever opens it next, changes: before and after each commit.
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
        ASSERT_NE(text, "") << "no commit was counted";
        boundaries = std::stol(text);
        right = undisturbed.finish();
        ASSERT_EQ(right.states.size(), 20u) << right.told();
        ASSERT_EQ(right.landings.size(), 16u) << right.told();
        ASSERT_TRUE(right.wrong.empty()) << right.told();
        end_at = clock::now() + std::chrono::minutes(number_from("GRAFTLINE_TEST_MINUTES", 8));
    }

    void expect_the_same(one_run& run, const std::string& how)
    {
        places.insert(run.last_record());
        const auto end = run.finish();
        EXPECT_TRUE(end.states == right.states && end.landings == right.landings && end.tree == right.tree &&
                    end.wrong.empty())
            << how << "\n"
            << end.told() << "instead of\n"
            << right.told();
    }

    /// Each of the three is a kill only where the process had not ended before; counted then.
    void kill_at(long boundary)
    {
        one_run run(tasks);
        count(run.graftline(run.first_words(), killed_at(boundary)));
        expect_the_same(run, "killed at boundary " + std::to_string(boundary) + " of " +
                                 std::to_string(boundaries));
    }

    void kill_twice(long boundary, long of_resume)
    {
        one_run run(tasks);
        run.graftline(run.first_words(), killed_at(boundary));
        count(run.graftline({"resume"}, killed_at(of_resume)));
        expect_the_same(run, "killed at boundary " + std::to_string(boundary) + " of " +
                                 std::to_string(boundaries) + ", and its resume at " +
                                 std::to_string(of_resume));
    }

    void kill_after(std::chrono::milliseconds time)
    {
        one_run run(tasks);
        count(run.graftline(run.first_words(), {}, time));
        expect_the_same(run, "killed after " + std::to_string(time.count()) + " ms");
    }

    /// False where that cannot be tried.
    bool kill_all(const std::vector<std::string>& environment, std::optional<std::chrono::milliseconds> time,
                  const std::string& how)
    {
        one_run run(tasks);
        if (!run.dies_as_a_whole()) return false;
        count(run.graftline(run.first_words(), environment, time));
        expect_the_same(run, how + ", with all its processes");
        return true;
    }

    /// All boundaries, each once, in an order that is spread over the run from its beginning on.
    std::vector<long> all_boundaries() const
    {
        auto stride = static_cast<long>(0.6180339887498949 * static_cast<double>(boundaries));
        while (std::gcd(stride, boundaries) != 1)
            ++stride;
        std::vector<long> all;
        for (long i = 0; i < boundaries; ++i)
            all.push_back(1 + (i * stride) % boundaries);
        return all;
    }

    bool has_time() const { return clock::now() < end_at; }
    void count(const program_end& ended) { kills += ended.status == 128 + SIGKILL; }
    void tell() const
    {
        std::printf("%ld kills in runs of about %ld boundaries, %zu different last records\n", kills,
                    boundaries, places.size());
    }

    twenty_tasks tasks;
    run_end right;
    long boundaries = 0;
    long kills = 0;
    std::chrono::milliseconds took{};
    clock::time_point end_at;
    std::set<std::string> places; ///< what the journal ended with when a run was dead
};

TEST_F(Crash, KilledOnceOrAgainWhileItIsResumedItEndsAsIfItHadNotBeen)
{
    kill_at(boundaries / 3);
    kill_twice(boundaries / 2, boundaries / 10);
}

TEST_F(Crash, KilledWithAllItsProcessesItEndsAsIfItHadNotBeen)
{
    for (const long boundary : {boundaries / 4, boundaries * 2 / 3})
        if (!kill_all(killed_at(boundary), {}, "killed at boundary " + std::to_string(boundary)))
            GTEST_SKIP() << "no control group to be had";
}

/// As many as fit in eight minutes (GRAFTLINE_TEST_MINUTES), from the GRAFTLINE_TEST_FROMth on.
TEST_F(Crash, SoakEveryBoundaryOfTheJournal)
{
    const auto all = all_boundaries();
    const long first = number_from("GRAFTLINE_TEST_FROM", 0);
    for (long at = first; at < boundaries && has_time(); ++at) {
        std::printf("number %ld: kill at boundary %ld of %ld\n", at, all[static_cast<std::size_t>(at)],
                    boundaries);
        std::fflush(stdout);
        kill_at(all[static_cast<std::size_t>(at)]);
    }
    tell();
}

TEST_F(Crash, SoakKillsDuringResume)
{
    const auto seed = static_cast<unsigned long>(number_from("GRAFTLINE_TEST_SEED", 20261121));
    std::mt19937_64 random(seed);
    const auto all = all_boundaries();
    for (std::size_t at = 0; at < all.size() && has_time(); ++at) {
        const long boundary = all[at];
        // What is left is what the resume does, and some more for going on.
        const long of_resume =
            1 + static_cast<long>(random() % static_cast<unsigned long>(boundaries - boundary + 20));
        std::printf("seed %lu, kill at boundary %ld, and its resume at %ld\n", seed, boundary, of_resume);
        std::fflush(stdout);
        kill_twice(boundary, of_resume);
    }
    tell();
}

TEST_F(Crash, SoakAtRandomInstants)
{
    const auto seed = static_cast<unsigned long>(number_from("GRAFTLINE_TEST_SEED", 20261121));
    std::mt19937_64 random(seed);
    for (int i = 0; kills < 200 && i < 1000; ++i) {
        const auto time = std::chrono::milliseconds(random() % static_cast<unsigned long>(took.count()));
        std::printf("seed %lu, kill %ld after %ld ms\n", seed, kills, static_cast<long>(time.count()));
        std::fflush(stdout);
        const long before = kills;
        kill_after(time);
        if (kills == before) took = std::min(took, time + 100ms); // it had ended: shorter ones are of use
    }
    tell();
}

TEST_F(Crash, SoakAllProcessesAtRandomInstants)
{
    const auto seed = static_cast<unsigned long>(number_from("GRAFTLINE_TEST_SEED", 20261121));
    std::mt19937_64 random(seed);
    while (kills < 200 && has_time()) {
        const auto time = std::chrono::milliseconds(random() % static_cast<unsigned long>(took.count()));
        std::printf("seed %lu, kill %ld of all after %ld ms\n", seed, kills, static_cast<long>(time.count()));
        std::fflush(stdout);
        const long before = kills;
        if (!kill_all({}, time, "killed after " + std::to_string(time.count()) + " ms"))
            GTEST_SKIP() << "no control group to be had";
        if (kills == before) took = std::min(took, time + 100ms);
    }
    tell();
}

} // namespace
} // namespace graftline::test
