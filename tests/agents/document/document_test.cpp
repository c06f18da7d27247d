#include "graftline/agents/document/document.hpp"
#include "graftline/agents/text/nearest.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::agents {
namespace {

using testing::HasSubstr;

const document_member& member(const document_value& v, std::size_t at)
{
    return std::get<document_table>(v.value).at(at);
}

std::string why_not_json(std::string_view text)
{
    const auto read = read_json(text, "f.json");
    return read ? "it was read" : read.error().message();
}

TEST(Document, json_comes_back_as_it_was)
{
    const std::string text = R"({"a":[1,-2,2.5E0,true,false,null],"b":{"c":"x\"\\\u00e4\n","":[]},"d":{}})";
    EXPECT_EQ(boost::json::serialize(to_json(*read_json(text, "f"))),
              boost::json::serialize(boost::json::parse(text)));
    EXPECT_TRUE(read_json(" 42 ", "f"));
    EXPECT_TRUE(read_json("\xEF\xBB\xBF[]", "f"));
}

TEST(Document, knows_where_things_stand)
{
    const auto json = read_json("{\n  \"ä\": \"ö\", \"b\": [1,\n 2]}", "f").value();
    EXPECT_EQ(member(json, 1).where, (place{2, 13}));
    EXPECT_EQ(member(json, 1).value.where, (place{2, 18}));
    EXPECT_EQ(std::get<document_list>(member(json, 1).value.value)[1].where, (place{3, 2}));

    const auto toml = read_toml("[run]\nmax = 5\nbase = 'x'\n", "f").value();
    const auto& run = member(toml, 0).value;
    EXPECT_EQ(member(run, 0).where, (place{2, 1}));
    EXPECT_EQ(member(run, 1).key, "base");
    EXPECT_EQ(member(run, 1).value.where, (place{3, 8}));
}

TEST(Document, says_what_is_not_json)
{
    EXPECT_THAT(why_not_json("{\"a\": 1,\n \"b\" 2}"), HasSubstr("f.json:2:6: not JSON"));
    EXPECT_THAT(why_not_json("{\"a\": "), HasSubstr("ends too early"));
    EXPECT_THAT(why_not_json(""), HasSubstr("f.json:1:1"));
    EXPECT_THAT(why_not_json("{} x"), HasSubstr("f.json:1:4: there is more text"));
    EXPECT_THAT(why_not_json("{\"a\": 1, \"a\": 2}"), HasSubstr("f.json:1:10: the key 'a' is there twice"));
    EXPECT_THAT(why_not_json(std::string(100, '[')), HasSubstr("not JSON"));
}

TEST(Document, says_what_is_not_toml)
{
    EXPECT_THAT(read_toml("[run]\nmax == 5\n", "graftline.toml").error().message(),
                HasSubstr("graftline.toml:2:"));
    EXPECT_THAT(read_toml("a = 1\na = 2\n", "f").error().message(), HasSubstr("f:2:"));
    EXPECT_FALSE(read_toml("a = \"\xFF\"", "f"));
    EXPECT_TRUE(read_toml("\"ä ж 丂\" = \"ä ж 丂 ï·\"  # ä", "f"));
    for (const char* header : {"[$]", "[=x]", "[\n]", "[[!]]", "[[", "[ ]", "[.a]", "[\"\"\"a\"\"\"]"})
        EXPECT_THAT(read_toml(header, "f").error().message(), HasSubstr("f:1:")) << header;
}

TEST(Document, refuses_keys_that_no_stack_could_hold)
{
    std::string deep = "a";
    for (int i = 0; i < 50'000; ++i)
        deep += ".a";
    for (const std::string& text : {deep + "=1", "x = \"...\"\n[" + deep + "]", "x = {" + deep + "=1}"}) {
        const auto read = read_toml(text, "f.toml");
        ASSERT_FALSE(read);
        EXPECT_THAT(read.error().message(), HasSubstr("too deep"));
    }
    const std::string dots(1000, '.');
    const auto read = read_toml(
        "# " + dots + "\na.b.c = [\"" + dots + "\", '''" + dots + "\n" + dots + "''', 1.5]\n", "f.toml");
    EXPECT_TRUE(read) << read.error().message();
}

TEST(Nearest, finds_slips_and_nothing_else)
{
    const std::vector<std::string> keys{"command", "commands", "max", "on_overlap"};
    EXPECT_EQ(nearest("comands", keys), "commands");
    EXPECT_EQ(nearest("Max", keys), "max");
    EXPECT_EQ(nearest("mxa", keys), "max");
    EXPECT_EQ(nearest("on-overlap", keys), "on_overlap");
    EXPECT_EQ(nearest("priority", keys), "");
    EXPECT_EQ(nearest("", keys), "");
    EXPECT_EQ(nearest("ab", {"x"}), "");
}

} // namespace
} // namespace graftline::agents
