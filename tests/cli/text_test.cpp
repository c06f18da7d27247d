#include "graftline/cli/terminal/shown_text.hpp"

#include <gtest/gtest.h>

namespace graftline::cli {
namespace {

TEST(text_filter, takes_out_what_moves_the_cursor)
{
    EXPECT_EQ(harmless_line("a\x1b[2Jb\x1b]0;title\x07"
                            "c\x07\x08"
                            "d"),
              "abcd");
    EXPECT_EQ(harmless_line("\x1b[31mred\x1b[0m"), "red");
    EXPECT_EQ(harmless_line("one\rtwo\r\n"), "one two");
    EXPECT_EQ(harmless_line(std::string_view("a\0b", 3)), "ab");
    EXPECT_EQ(harmless_line("caf\xc3\xa9 \xf0\x9f\x9a\x80"), "café 🚀");
    EXPECT_EQ(harmless_line("\xff\xc3("), "\xEF\xBF\xBD\xEF\xBF\xBD(");
    EXPECT_EQ(harmless_line("a\xe2\x80\xae"
                            "b\xc2\x9b"
                            "c"),
              "abc")
        << "direction marks and C1 controls";
}

TEST(text_filter, keeps_colours_where_asked_and_undoes_them)
{
    text_filter filter(true);
    EXPECT_EQ(filter.feed("\x1b[1;31mred\x1b[2Kx"), "\x1b[1;31mredx");
    EXPECT_EQ(filter.end(), "\x1b[0m");
}

TEST(text_filter, leaves_whole_text_with_its_lines_and_colours)
{
    const std::string plain = "one\ttwo\nthree\n";
    EXPECT_EQ(harmless_text(plain), plain);
    const std::string red = "\x1b[31mred\x1b[0m and plain\n";
    EXPECT_EQ(harmless_text(red), red) << "nothing is left on that would have to be undone";
    EXPECT_EQ(harmless_text("\x1b[31mred \x1b[2J\n"), "\x1b[31mred \n\x1b[0m");
    EXPECT_EQ(harmless_text("a\x1b]0;title\x07"
                            "b\x9b"
                            "c\x7f"),
              "ab\xEF\xBF\xBD"
              "c");
}

TEST(text_filter, does_not_mind_where_chunks_end)
{
    const std::string text = "a\x1b[31mb\xf0\x9f\x9a\x80\r\nc\x1b]0;x\x1b\\d\xff e\r";
    text_filter whole(true);
    const auto expected = whole.feed(text) + whole.end();
    for (std::size_t size = 1; size < text.size(); ++size) {
        text_filter filter(true);
        std::string out;
        for (std::size_t at = 0; at < text.size(); at += size)
            out += filter.feed(text.substr(at, size));
        EXPECT_EQ(out + filter.end(), expected) << size;
    }
}

TEST(text_filter, an_unended_title_does_not_swallow_the_rest)
{
    text_filter filter;
    EXPECT_EQ(filter.feed("a\x1b]0;title\nnext line\n"), "a\nnext line\n");
}

TEST(fit, never_takes_more_columns_than_given)
{
    EXPECT_EQ(fit("hello", 5), "hello");
    EXPECT_EQ(fit("hello", 4), "hel…");
    EXPECT_EQ(fit("hello", 1), "…");
    EXPECT_EQ(fit("hello", 0), "");
    EXPECT_EQ(columns_of("日本語"), 6u);
    EXPECT_EQ(fit("日本語", 5), "日本…");
    EXPECT_EQ(fit("日本語", 4), "日…");
    EXPECT_EQ(pad("日本", 6), "日本  ");
    const std::string mixed = "a🚀é日 x";
    for (std::size_t columns = 0; columns < 10; ++columns)
        EXPECT_LE(columns_of(fit(mixed, columns)), columns);
}

TEST(duration, is_short)
{
    EXPECT_EQ(duration_text(0.04), "0.0s");
    EXPECT_EQ(duration_text(9.96), "10.0s");
    EXPECT_EQ(duration_text(59.9), "59s");
    EXPECT_EQ(duration_text(185), "3m05s");
    EXPECT_EQ(duration_text(7500), "2h05m");
}

} // namespace
} // namespace graftline::cli
