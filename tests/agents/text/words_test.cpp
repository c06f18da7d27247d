#include "graftline/agents/text/words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::agents {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

std::string why_not_split(std::string_view command)
{
    const auto words = split_words(command);
    return words ? "it was split" : words.error().message();
}

TEST(SplitWords, parts_at_blanks_and_keeps_what_is_quoted)
{
    EXPECT_THAT(*split_words("  make  -j 2\ttest "), ElementsAre("make", "-j", "2", "test"));
    EXPECT_THAT(*split_words(R"(sh -c 'echo "$HOME" && true')"),
                ElementsAre("sh", "-c", R"(echo "$HOME" && true)"));
    EXPECT_THAT(*split_words(R"(say "a \"b\" \$c \n" '')"), ElementsAre("say", R"(a "b" $c \n)", ""));
    EXPECT_THAT(*split_words(R"(a\ b pre'fix'"ed")"), ElementsAre("a b", "prefixed"));
    EXPECT_THAT(*split_words("echo $HOME *.cpp ~"), ElementsAre("echo", "$HOME", "*.cpp", "~"))
        << "nothing is expanded";
}

TEST(SplitWords, says_where_a_command_is_broken)
{
    EXPECT_THAT(why_not_split("echo 'open"), HasSubstr("column 6 has a quote ' that is not closed"));
    EXPECT_THAT(why_not_split("echo \\"), HasSubstr("column 6 has a backslash with nothing after it"));
    EXPECT_THAT(why_not_split("make && make test"), HasSubstr("without a shell"));
    EXPECT_THAT(why_not_split("make; rm -rf x"), HasSubstr("column 5 has ';'"));
    EXPECT_THAT(why_not_split(" \t"), HasSubstr("empty"));
}

TEST(ParseDuration, takes_units_and_their_sums)
{
    EXPECT_EQ(*parse_duration("30m"), 30min);
    EXPECT_EQ(*parse_duration("10s"), 10s);
    EXPECT_EQ(*parse_duration("1h30m"), 90min);
    EXPECT_EQ(*parse_duration("500ms"), 500ms);
    EXPECT_EQ(*parse_duration("1.5h"), 90min);
    EXPECT_EQ(*parse_duration("90"), 90s);
    EXPECT_EQ(*parse_duration("2d"), 48h);
    EXPECT_EQ(*parse_duration("0"), 0s);
}

TEST(ParseDuration, refuses_the_rest)
{
    for (const char* text :
         {"", "m", "-5m", "5 m", "5x", "inf", "nan", "1e3s", "5m 3s", "400d", "99999999999999999999h"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(ParseSize, takes_binary_and_decimal_units)
{
    EXPECT_EQ(*parse_size("2GiB"), 2ULL << 30);
    EXPECT_EQ(*parse_size("2G"), 2ULL << 30);
    EXPECT_EQ(*parse_size("500MB"), 500'000'000U);
    EXPECT_EQ(*parse_size("1.5K"), 1536U);
    EXPECT_EQ(*parse_size("64 KiB"), 65536U);
    EXPECT_EQ(*parse_size("4096"), 4096U);
    for (const char* text : {"", "GiB", "-1", "2 gigs", "2GiBx", "9999999TiB"})
        EXPECT_FALSE(parse_size(text)) << text;
}

} // namespace
} // namespace graftline::agents
