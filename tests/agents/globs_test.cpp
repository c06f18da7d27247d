#include "graftline/agents/globs.hpp"

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

} // namespace
} // namespace graftline::agents
