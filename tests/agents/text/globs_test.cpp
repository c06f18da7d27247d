#include "graftline/agents/text/globs.hpp"

#include <gtest/gtest.h>

namespace graftline::agents {
namespace {

void expect(bool overlap, std::string_view a, std::string_view b)
{
    EXPECT_EQ(globs_overlap(a, b), overlap) << a << " and " << b;
    EXPECT_EQ(globs_overlap(b, a), overlap) << b << " and " << a;
}

TEST(Globs, meet_where_one_path_fits_both)
{
    expect(true, "src/a.cpp", "src/a.cpp");
    expect(true, "src/*.py", "src/a*");
    expect(true, "src/*.py", "src/**");
    expect(true, "**/x.md", "x.md");
    expect(true, "a/**/z", "a/b/c/z");
    expect(true, "*a*b*", "xxaxb");
    expect(true, "*.[ch]", "main.c");
    expect(true, "[a-f]1", "[e-z]?");
    expect(true, "**", "anything/at/all");
    expect(true, "ä?", "*ö");
}

TEST(Globs, do_not_meet_otherwise)
{
    expect(false, "src/*.py", "src/*.cpp");
    expect(false, "src/*", "src/sub/x.py"); // a star does not cross a slash
    expect(false, "*.md", "docs/a.md");
    expect(false, "src", "source");
    expect(false, "a/**/z", "b/z");
    expect(false, "[a-c]x", "[d-f]x");
    expect(false, "[!a]", "a");
    expect(false, "a?", "a");
    expect(false, "\\*", "x");
}

TEST(Globs, a_folder_is_all_below_it)
{
    expect(true, "src/auth", "src/auth/login.cpp");
    expect(true, "src/auth/", "src/**/*.cpp");
    expect(true, ".", "x");
    expect(false, "src/auth", "src/authority.cpp");
}

TEST(Globs, are_compared_without_regard_to_case_and_dots)
{
    expect(true, "./src//A.cpp", "src/a.CPP");
    expect(true, "[A-C].txt", "b.txt");
    EXPECT_EQ(*normal_glob("./src//auth/"), "src/auth");
    EXPECT_EQ(*normal_glob("a/**/**/b"), "a/**/b");
    EXPECT_EQ(*normal_glob("."), "**");
}

TEST(Globs, that_cannot_be_used_are_refused_and_overlap_with_all)
{
    for (const char* glob : {"", "/etc/*", "a/../b", "src/[ab", "*.{c,h}"}) {
        EXPECT_FALSE(normal_glob(glob)) << glob;
        expect(true, glob, "x");
    }
    EXPECT_FALSE(normal_glob(std::string(2000, 'a')));
    EXPECT_EQ(normal_glob("src/[ab").error().message(),
              "'src/[ab' is not a glob that can be used: a '[' is not closed");
}

TEST(Globs, full_of_stars_take_no_time)
{
    const std::string stars(500, '*'), many = [] {
        std::string s;
        for (int i = 0; i < 250; ++i)
            s += "*a";
        return s;
    }();
    expect(true, many, many + "b*");
    expect(false, many + "x", many + "y");
    expect(true, stars, many);
}

// They differ at their ends only, and everything before can be cut in every way.
TEST(Globs, that_are_hostile_are_compared_in_bulk)
{
    std::vector<glob> all;
    for (int i = 0; i < 4; ++i) {
        const auto end = std::to_string(100 + i);
        std::string characters, folders;
        while (characters.size() < 1000)
            characters += "*[a-zA-Z0-9_]?";
        while (folders.size() < 1000)
            folders += "**/a*/";
        all.emplace_back(characters + end);
        all.emplace_back(folders + "b?" + end);
    }
    int overlapping = 0;
    for (const auto& a : all)
        for (const auto& b : all)
            overlapping += a.overlaps(b);
    EXPECT_EQ(overlapping, 8) << "each with itself alone";
}

TEST(Globs, read_once_are_compared_as_their_texts_are)
{
    const std::vector<std::string> texts{"a",    "A",    "a/",    "a/b", "a/**",  "a*",
                                         "*/b",  "**",   "**/b",  "a?c", "[a-c]", "\\*",
                                         "\\[a", "[!a]", "a/*/c", "ä",   "a..b",  "{x}"};
    const auto fits = [](const std::string& a, const std::string& b) { return glob(a).overlaps(glob(b)); };
    for (const auto& a : texts)
        for (const auto& b : texts) {
            EXPECT_EQ(fits(a, b), globs_overlap(a, b)) << a << " and " << b;
            EXPECT_EQ(fits(a, b), fits(b, a)) << a << " and " << b;
        }
    EXPECT_TRUE(fits("a/**", "a")) << "the folder itself";
    EXPECT_FALSE(fits("a/**", "ab"));
    EXPECT_TRUE(fits("\\*x", "*x"));
}

} // namespace
} // namespace graftline::agents
