#include "graftline/runtime/base/json_text.hpp"
#include "graftline/runtime/base/utf8.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gtest/gtest.h>

#include <random>

namespace graftline {
namespace {

namespace json = boost::json;

bool is_utf8(std::string_view text)
{
    for (std::size_t at = 0; at < text.size();) {
        const auto length = character_length(text, at);
        if (length == 0) return false;
        at += length;
    }
    return true;
}

/// Bytes, characters, and pieces of what stands for bytes.
std::string random_text(std::mt19937& random)
{
    const std::string_view pieces[] = {"a",        "é",       "\U0010FE80", "\U0010FEFF", "\xF4\x8F\xBA",
                                       "\xF4\x8F", "\0\n\"\\"};
    std::string text;
    for (std::size_t left = random() % 12; left > 0; --left)
        if (const auto choice = random() % 14; choice < std::size(pieces))
            text += pieces[choice];
        else
            text += static_cast<char>(random());
    return text;
}

TEST(JsonText, AnyBytesComeBack)
{
    std::mt19937 random(1);
    for (int round = 0; round < 20'000; ++round) {
        const auto bytes = random_text(random);
        const auto text = utf8_of(bytes);
        ASSERT_TRUE(is_utf8(text)) << testing::PrintToString(bytes);
        ASSERT_EQ(bytes_of(text), bytes) << testing::PrintToString(bytes);
        const json::value document{{bytes, bytes}};
        const auto kept = parse_json(json::serialize(document));
        ASSERT_TRUE(kept) << kept.error().message();
        ASSERT_EQ(*kept, document);
    }
}

TEST(JsonText, WhatProgramsReadIsUtf8AndSaysWhichByteItWas)
{
    EXPECT_EQ(utf8_of("plain, und schön"), "plain, und schön");
    EXPECT_EQ(utf8_of("caf\xE9.txt"), "caf\U0010FEE9.txt");
    EXPECT_EQ(utf8_of("cut \xE2\x9C"), "cut \U0010FEE2\U0010FE9C");
    const json::value document{{"caf\xE9", json::array{"\xFF"}}};
    EXPECT_EQ(json::parse(public_text(document)),
              json::value({{"caf\U0010FEE9", json::array{"\U0010FEFF"}}}));
}

TEST(JsonText, DepthHasALimitThatIsSaid)
{
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_TRUE(parse_json(nested(deepest_json - 1)));
    const auto deeper = parse_json(nested(deepest_json + 1));
    ASSERT_FALSE(deeper);
    EXPECT_TRUE(deeper.error().is(errc::corrupt));
}

TEST(Utf8, TextIsCutBetweenCharacters)
{
    const std::string text = "a✖b"; // one, three, one
    EXPECT_EQ(beginning_of(text, 5), text);
    EXPECT_EQ(beginning_of(text, 4), "a✖");
    EXPECT_EQ(beginning_of(text, 3), "a");
    EXPECT_EQ(beginning_of(text, 2), "a");
    EXPECT_EQ(end_of(text, 4), "✖b");
    EXPECT_EQ(end_of(text, 3), "b");
    EXPECT_EQ(end_of(text, 2), "b");
    const std::string bytes(10, '\x80'); // no characters: cut where it is asked for
    EXPECT_EQ(beginning_of(bytes, 4), bytes.substr(0, 4));
    EXPECT_EQ(end_of(bytes, 4), bytes.substr(0, 4));
}

} // namespace
} // namespace graftline
