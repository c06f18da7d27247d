// The power goes at any moment of a run, most of all right after something was said, and the machine starts
// again with what a disk holds then: nothing that was said is lost, and the run goes on to its whole result.
#include "tests/power/after_cut.hpp"
#include "tests/support/hang_guard.hpp"
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;

long number_from(const char* name, long otherwise)
{
    const char* given = std::getenv(name);
    return given ? std::atol(given) : otherwise;
}

/// Runs of one task after the other, where nobody else's flush saves what was said; each with its share of
/// all cuts in percent.
std::vector<std::pair<run_shape, long>> shapes_on(const std::string& file_system)
{
    const auto of = [&](const std::string& name) {
        run_shape shape;
        shape.name = name;
        shape.file_system = file_system;
        return shape;
    };
    auto checked_out = of("landing on the checkout's branch");
    auto trunk = of("landing on a branch that is not checked out");
    trunk.target = "trunk";
    auto completing = of("completing only");
    completing.lands = false;
    auto giving_up = of("giving up");
    giving_up.lands = false;
    giving_up.gives_up = true;
    giving_up.tasks = 10;
    giving_up.length = "0.1";
    return {{checked_out, 20}, {trunk, 18}, {completing, 20}, {giving_up, 14}};
}

class PowerCut : public testing::Test {
protected:
    /// Cuts of one recorded run: right after what was said, or anywhere.
    void cut(const recorded_run& run, long count, bool anywhere)
    {
        const auto said = run.after_what_was_said();
        ASSERT_FALSE(said.empty());
        std::map<std::string, int> kinds;
        long right = 0;
        for (long i = 0; i < count; ++i) {
            power_cut one{said[static_cast<std::size_t>(i / 2) * said.size() /
                               static_cast<std::size_t>((count + 1) / 2)],
                          i % 2 ? survivors::random : survivors::none, chance_()};
            if (anywhere) {
                one.at = run.begin() + chance_() % (run.end() - run.begin());
                if (i % 3 == 2) one.which = survivors::all;
            }
            one.of_disk_alone = i % 4 > 1;
            const auto wrong = wrong_after(*lab_, run, one);
            right += wrong.empty();
            if (!wrong.empty()) tell(run, one, wrong, kinds);
        }
        std::printf("%s on %s: %ld of %ld cuts right", run.shape().name.c_str(),
                    run.shape().file_system.c_str(), right, count);
        for (const auto& [kind, times] : kinds)
            std::printf(", %s %d", kind.c_str(), times);
        std::printf("\n");
        std::fflush(stdout);
    }

    /// All shapes on one file system; the last ones are cut anywhere, and while they are resumed.
    void cut_all(const std::string& kind)
    {
        if (const auto why = why_no_disk(kind); !why.empty()) GTEST_SKIP() << why;
        lab_.emplace();
        const long count = number_from("GRAFTLINE_TEST_CUTS", 200);
        const auto part = [count](long percent) { return count * percent / 100; };
        long rest = count - part(8);
        const char* named = std::getenv("GRAFTLINE_TEST_SHAPE"); // part of a name; only those are cut
        const auto is_wanted = [&](const std::string& name) {
            return !named || name.find(named) != std::string::npos;
        };
        for (const auto& [shape, percent] : shapes_on(kind)) {
            if (part(percent) > 0 && is_wanted(shape.name))
                cut(recorded_run(*lab_, shape), part(percent), false);
            rest -= part(percent);
        }
        run_shape four;
        four.name = "four at a time";
        four.file_system = kind;
        four.places = 4;
        const recorded_run first(*lab_, four);
        if (is_wanted(first.shape().name)) cut(first, rest, true);
        const power_cut middle{(first.begin() + first.end()) / 2, survivors::none, 0};
        if (part(8) > 0 && is_wanted("resume")) cut(recorded_run(*lab_, first, middle), part(8), true);
    }

    std::optional<power_lab> lab_;

private:
    void tell(const recorded_run& run, const power_cut& one, const std::vector<std::string>& wrong,
              std::map<std::string, int>& kinds)
    {
        const auto said = run.said_before(one.at);
        std::string text = run.shape().name + " on " + run.shape().file_system + ", cut at event " +
                           std::to_string(one.at) + " (" + to_string(one.which) + ", seed " +
                           std::to_string(one.seed) + (one.of_disk_alone ? ", same boot" : "") +
                           "), after \"" + (said.empty() ? "" : said.back()) + "\":";
        for (const auto& each : wrong) {
            text += "\n  " + each;
            ++kinds[each.substr(0, each.find_first_of(": "))];
        }
        ADD_FAILURE() << text;
        // For a look by hand: what the disk held before anything was started on it.
        if (const char* keep = std::getenv("GRAFTLINE_TEST_KEEP_IMAGES"))
            run.history().cut(one.at, one.which, one.seed,
                              fs::path(keep) /
                                  (run.shape().file_system + "-" + std::to_string(one.at) + ".img"));
    }

    longer_hang_limit limit_{std::chrono::seconds(300)};
    std::mt19937_64 chance_{static_cast<std::uint64_t>(number_from("GRAFTLINE_TEST_SEED", 20261126))};
};

TEST_F(PowerCut, SoakOnExt4)
{
    cut_all("ext4");
}

TEST_F(PowerCut, SoakOnXfs)
{
    cut_all("xfs");
}

TEST_F(PowerCut, SoakOnBtrfs)
{
    cut_all("btrfs");
}

} // namespace
} // namespace graftline::test
