#include "graftline/agents/text/printable.hpp"

#include <gtest/gtest.h>

using namespace std::string_view_literals;

namespace graftline::agents {
namespace {

TEST(Printable, keeps_text_of_all_languages)
{
    EXPECT_EQ(printable("Änderung 変更 🚀"), "Änderung 変更 🚀");
}

TEST(Printable, drops_what_a_terminal_would_obey)
{
    EXPECT_EQ(printable("\x1B[1;32mgreen\x1B[0m text"), "green text");
    EXPECT_EQ(printable("\x1B]0;owned title\x07name"), "name");
    EXPECT_EQ(printable("\x1B]8;;http://x\x1B\\link\x1B]8;;\x1B\\"), "link");
    EXPECT_EQ(printable("\x1B(Bplain"), "plain");
    EXPECT_EQ(printable("a\x1B[3"), "a") << "half a sequence at the end";
    EXPECT_EQ(printable("bell\a tab\tend\x7F"), "bell  tab end");
    EXPECT_EQ(printable("evil \u202Etxt.exe \u009B31m"), "evil txt.exe 31m");
}

TEST(Printable, shows_what_a_progress_bar_shows_last)
{
    EXPECT_EQ(printable("10%\r50%\r100%\r\n"), "100%");
}

TEST(Printable, replaces_bytes_that_are_no_text)
{
    EXPECT_EQ(printable("a\xFF"
                        "b"),
              "a\uFFFDb");
    EXPECT_EQ(printable("\xE2\x82"), "\uFFFD\uFFFD") << "half a character";
    EXPECT_EQ(printable("\xC0\xAF"), "\uFFFD\uFFFD") << "overlong";
    EXPECT_EQ(printable("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD") << "half a surrogate pair";
    EXPECT_EQ(printable("a\0b"sv), "a b");
}

TEST(Printable, cuts_between_characters)
{
    EXPECT_EQ(shortened("short", 10), "short");
    EXPECT_EQ(shortened("ääääää", 8), "ää…");
    EXPECT_EQ(shortened("abc", 1), "");
    EXPECT_EQ(printable_text("\n a \n\x1B[1mb\x1B[0m\n\n"), "a\nb");
}

} // namespace
} // namespace graftline::agents
