#include "graftline/git/merge/direct_merges.hpp"
#include "graftline/git/merge/merge_contents.hpp"
#include "graftline/git/repository/repository.hpp"

#include "tests/git/gits_merges.hpp"
#include "tests/git/random_history.hpp"
#include "tests/support/hang_guard.hpp"
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

namespace graftline::test {
namespace {

using git::merge_conflict;
using git::merge_outcome;

std::vector<result<merge_outcome>> ask_ourselves(const test_repository& repo,
                                                 const std::vector<git::merge_question>& cases)
{
    auto body =
        [](std::filesystem::path top,
           std::vector<git::direct_question> questions) -> awaitable<std::vector<result<merge_outcome>>> {
        auto found = co_await git::repository::discover(top);
        co_return co_await git::direct_merges::of(**found).answer(**found, std::move(questions));
    };
    std::vector<git::direct_question> questions;
    for (const git::merge_question& one : cases)
        questions.push_back({std::nullopt, one.ours, one.theirs});
    return run_here(body(repo.top(), std::move(questions)));
}

std::string shown(const std::vector<merge_conflict>& conflicts)
{
    std::string text;
    for (const auto& [path, kind] : conflicts)
        text += "\n  " + path + " (" + kind + ")";
    return text.empty() ? " none" : text;
}

struct tally {
    int cases = 0, decided = 0, conflicts = 0, different = 0;
};

/// Compares `count` cases; names those that differ.
void compare(std::uint64_t seed, int count, tally& all)
{
    test_repository repo;
    const auto cases = make_random_cases(repo, seed, count);
    const auto ours = ask_ourselves(repo, cases);
    const auto gits = ask_git(repo, cases);
    ASSERT_EQ(gits.size(), cases.size());
    for (std::size_t at = 0; at < cases.size(); ++at) {
        ++all.cases;
        if (!ours[at]) continue;
        ++all.decided;
        all.conflicts += ours[at]->clean() ? 0 : 1;
        const bool same =
            gits[at] && ours[at]->tree == gits[at]->tree && ours[at]->conflicts == gits[at]->conflicts;
        if (same) continue;
        ++all.different;
        ADD_FAILURE() << "seed " << seed << ", " << count << " cases, case " << at << ": ours "
                      << cases[at].ours.hex() << " theirs " << cases[at].theirs.hex() << "\nwe say "
                      << ours[at]->tree.hex() << ", conflicts:" << shown(ours[at]->conflicts) << "\ngit says "
                      << (gits[at] ? gits[at]->tree.hex() + ", conflicts:" + shown(gits[at]->conflicts)
                                   : "nothing: it died");
    }
}

void expect_a_good_share(const tally& all)
{
    std::cout << all.decided << " of " << all.cases << " decided\n";
    EXPECT_GT(all.decided, all.cases * 6 / 10) << "git was asked too often for this to show anything";
    EXPECT_GT(all.conflicts, all.cases / 20);
    EXPECT_LT(all.conflicts, all.decided * 8 / 10);
}

TEST(tree_merge_random, GivesGitsAnswerInFiveHundredCases)
{
    if (!git::can_merge_contents()) GTEST_SKIP() << "built without xdiff";
    isolate_git();
    tally all;
    compare(20261121, 500, all);
    expect_a_good_share(all);
}

/// GRAFTLINE_SEED begins elsewhere.
TEST(tree_merge_random, GivesGitsAnswerInTenThousandCasesSoak)
{
    if (!git::can_merge_contents()) GTEST_SKIP() << "built without xdiff";
    isolate_git();
    const char* said = std::getenv("GRAFTLINE_SEED");
    const std::uint64_t first = said ? std::strtoull(said, nullptr, 10) : 1;
    tally all;
    for (std::uint64_t seed = first; seed < first + 40; ++seed)
        compare(seed, 250, all);
    std::cout << all.cases << " cases, " << all.decided << " decided (" << all.conflicts << " conflicts), "
              << all.different << " different\n";
    expect_a_good_share(all);
}

} // namespace
} // namespace graftline::test
