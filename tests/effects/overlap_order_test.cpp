#include "graftline/agents/text/globs.hpp"
#include "graftline/effects/overlap_order.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>

namespace graftline::effects {
namespace {

const std::atomic<bool> go_on{false}; // never stopped

std::vector<task> tasks_with(std::size_t count, const std::vector<std::string>& files)
{
    std::vector<task> all(count);
    for (std::size_t i = 0; i < count; ++i) {
        all[i].id = "t" + std::to_string(i);
        all[i].spec.files = files;
    }
    return all;
}

/// For each task, by its place, all that it comes after.
std::vector<std::set<std::size_t>> order_of(const std::vector<task>& tasks)
{
    std::map<std::string, std::size_t> place_of;
    for (std::size_t i = 0; i < tasks.size(); ++i)
        place_of[tasks[i].id] = i;
    std::vector<std::set<std::size_t>> before(tasks.size());
    for (bool more = true; more;) {
        more = false;
        for (std::size_t i = 0; i < tasks.size(); ++i)
            for (const auto& id : tasks[i].spec.after) {
                auto all = before[place_of.at(id)];
                all.insert(place_of.at(id));
                const auto size = before[i].size();
                before[i].merge(all);
                more = more || before[i].size() > size;
            }
    }
    return before;
}

/// What is promised, as plainly as it can be said: pair by pair, in the order given.
void serialize_plainly(std::vector<task>& tasks)
{
    for (std::size_t later = 1; later < tasks.size(); ++later)
        for (std::size_t earlier = 0; earlier < later; ++earlier) {
            const auto order = order_of(tasks);
            if (order[later].contains(earlier) || order[earlier].contains(later)) continue;
            auto &a = tasks[earlier], &b = tasks[later];
            const bool overlap = std::ranges::any_of(a.spec.files, [&](const auto& x) {
                return std::ranges::any_of(b.spec.files,
                                           [&](const auto& y) { return agents::globs_overlap(x, y); });
            });
            if (overlap) b.spec.after.push_back(a.id);
        }
}

TEST(OverlapOrder, IsTheOneThatIsPromisedInAnyPlan)
{
    const std::vector<std::string> globs{"src/**",    "src/a.cpp", "src/*.hpp", "docs",
                                         "docs/x.md", "**/*.md",   "z"};
    std::minstd_rand chance(7);
    for (int round = 0; round < 150; ++round) {
        auto tasks = tasks_with(9, {});
        std::vector<std::size_t> ranks(tasks.size()); // tasks may come after later ones of the list
        for (std::size_t i = 0; i < ranks.size(); ++i)
            ranks[i] = i;
        std::ranges::shuffle(ranks, chance);
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            for (std::size_t j = 0; j < tasks.size(); ++j)
                if (ranks[j] < ranks[i] && chance() % 6 == 0) tasks[i].spec.after.push_back(tasks[j].id);
            for (std::size_t n = chance() % 3; n > 0; --n)
                tasks[i].spec.files.push_back(globs[chance() % globs.size()]);
        }
        auto plainly = tasks;
        serialize_plainly(plainly);
        serialize_overlaps(tasks, go_on);
        ASSERT_EQ(order_of(tasks), order_of(plainly)) << "round " << round;
    }
}

TEST(OverlapOrder, NamesTheNearestOnly)
{
    auto tasks = tasks_with(2000, {"src/**", "docs/*.md"});
    serialize_overlaps(tasks, go_on);
    EXPECT_TRUE(tasks[0].spec.after.empty());
    for (std::size_t i = 1; i < tasks.size(); ++i)
        ASSERT_EQ(tasks[i].spec.after, std::vector<std::string>{"t" + std::to_string(i - 1)});
}

// By all ways from one to another there were 3^13 of them for each of 861 pairs.
TEST(OverlapOrder, OfManyLayersIsFoundWithoutGoingAllWays)
{
    auto tasks = tasks_with(42 * 3, {});
    for (std::size_t i = 3; i < tasks.size(); ++i)
        for (std::size_t n = 0; n < 3; ++n)
            tasks[i].spec.after.push_back(tasks[i / 3 * 3 - 3 + n].id);
    tasks[0].spec.files = tasks.back().spec.files = {"x"};
    const auto before = tasks.back().spec.after;
    serialize_overlaps(tasks, go_on);
    EXPECT_EQ(tasks.back().spec.after, before) << "ordered through the layers between";
}

TEST(OverlapOrder, OfTasksWithoutACommonFileIsNone)
{
    auto tasks = tasks_with(3000, {});
    for (std::size_t i = 0; i < tasks.size(); ++i)
        tasks[i].spec.files = {"src/" + std::to_string(i) + "/**", "docs/" + std::to_string(i) + "-*.md"};
    serialize_overlaps(tasks, go_on);
    EXPECT_TRUE(std::ranges::all_of(tasks, [](const task& t) { return t.spec.after.empty(); }));
}

TEST(OverlapOrder, IsGivenUpWhenAskedTo)
{
    const std::atomic<bool> stop{true};
    auto tasks = tasks_with(100, {"src/**"});
    serialize_overlaps(tasks, stop);
    EXPECT_TRUE(tasks.back().spec.after.empty());
}

} // namespace
} // namespace graftline::effects
