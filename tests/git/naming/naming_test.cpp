#include "graftline/git/naming/naming.hpp"

#include "tests/support/test_repository.hpp"
#include <gtest/gtest.h>

#include <random>

namespace graftline::git {
namespace {

TEST(Slug, IsReadable)
{
    EXPECT_EQ(slug("Implement user authentication"), "implement-user-authentication");
    EXPECT_EQ(slug("  Fix: XSS in /login (again!)  "), "fix-xss-in-login-again");
    EXPECT_EQ(slug("Don't panic"), "dont-panic");
    EXPECT_EQ(slug("Größe über Łódź, Ærø"), "grosse-uber-lodz-aero");
    EXPECT_EQ(slug("café"), "cafe");
}

TEST(Slug, IsCutWhereAWordEnds)
{
    EXPECT_EQ(slug("Implement user authentication with OAuth", 29), "implement-user-authentication");
    EXPECT_EQ(slug("Implement user authentication with OAuth", 28), "implement-user");
    EXPECT_EQ(slug("Supercalifragilistic", 5), "super");
}

TEST(Slug, IsNeverEmpty)
{
    for (const char* nothing : {"", "---", "日本語のタスク", "\x01\x02", "\xff\xfe", "...", "@{", "\xc3"})
        EXPECT_EQ(slug(nothing), "task") << nothing;
}

TEST(Slug, PlainFormIsTheLetterByLetterRuleMended)
{
    EXPECT_EQ(plain_slug("Implement user authentication with X"),
              "implement-user-authentication"); // no `-` at the end
    EXPECT_EQ(plain_slug("a  b"), "a--b");
    EXPECT_EQ(plain_slug("日本語のタスク"), "task");
}

TEST(Slug, OfAnythingIsABranchThatGitTakes)
{
    std::mt19937 random(7);
    for (int round = 0; round < 3000; ++round) {
        std::string text(random() % 60, ' ');
        for (char& c : text)
            c = static_cast<char>(random() % 4 ? random() % 256 : "./@{-~^ lock"[random() % 12]);
        for (const std::string& name : {slug(text), plain_slug(text)}) {
            EXPECT_TRUE(check_branch_name("task/" + name)) << name;
            EXPECT_LE(name.size(), 40u);
        }
    }
}

TEST(Ticket, IsFoundWhereThereIsOne)
{
    EXPECT_EQ(ticket("ENG-123: Add feature"), "ENG-123");
    EXPECT_EQ(ticket("Fix the thing (PROJ-456)"), "PROJ-456");
    EXPECT_EQ(ticket("Close #789"), "#789");
    EXPECT_EQ(ticket("Read UTF-8 files, see JIRA-123"), "JIRA-123");
    for (const char* none :
         {"Read UTF-8", "use SHA-256", "eng-123", "a#1", "X-1", "v1-2", "ENG-12a", "#", "http://x/#5a"})
        EXPECT_EQ(ticket(none), std::nullopt) << none;
}

TEST(Template, IsExpanded)
{
    const template_values values{{"slug", "fix"}, {"id", "a1"}, {"key", "7"}};
    EXPECT_EQ(expand("task/{slug}-{id}", values).value(), "task/fix-a1");
    EXPECT_EQ(expand("feature/us-{key:3}", values).value(), "feature/us-007");
    EXPECT_EQ(expand("plain", values).value(), "plain");
    for (const char* bad : {"{nothing}", "{slug", "slug}", "{slug:x}", "{slug:999}"})
        EXPECT_TRUE(expand(bad, values).has_error() && expand(bad, values).error().is(errc::invalid)) << bad;
}

TEST(Profile, IsFoundByName)
{
    EXPECT_EQ(find_profile("default")->branch, "task/{slug}-{id}");
    EXPECT_EQ(find_profile("coditect")->worktree, ".coditect/worktrees/{id}");
    EXPECT_EQ(find_profile("spec108")->parallel_cap, 3);
    EXPECT_EQ(find_profile("scorecount")->base, "origin/main");
    auto none = find_profile("nobody");
    ASSERT_FALSE(none);
    EXPECT_TRUE(none.error().is(errc::not_found));
}

TEST(BranchName, IsJudgedAsGitJudgesIt)
{
    test::isolate_git();
    std::mt19937 random(3);
    const std::string letters = "ab/.-@{}~^:?*[\\ l\x7f";
    int valid = 0;
    for (int round = 0; round < 250; ++round) {
        std::string name;
        for (std::size_t left = 1 + random() % 6; left > 0; --left)
            name += letters[random() % letters.size()];
        if (round % 5 == 0) name += ".lock";
        const bool taken = test::try_git("/", {"check-ref-format", "--branch", name}).ok;
        // Git answers for the branch that `@{-1}` or `@` stands for.
        if (name.starts_with("@{-") || name == "@") continue;
        EXPECT_EQ(check_branch_name(name).has_value(), taken) << name;
        valid += taken;
    }
    EXPECT_GT(valid, 10);
}

} // namespace
} // namespace graftline::git
