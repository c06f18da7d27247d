#include "graftline/agents/agent/agent_result.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace graftline::agents {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(AgentResult, is_read_whole)
{
    const auto r =
        parse_agent_result(
            R"({"decision": "request_changes", "summary": "No tests.", "files": ["a.c"], "data": {"n": 1}, "more": 1})")
            .value();
    EXPECT_EQ(r.decision, decision::request_changes);
    EXPECT_EQ(to_string(r.decision), "request_changes");
    EXPECT_EQ(r.summary, "No tests.");
    EXPECT_THAT(r.files, ElementsAre("a.c"));
    EXPECT_EQ(r.data.at("n").as_int64(), 1);
}

TEST(AgentResult, may_begin_with_a_byte_order_mark_and_end_its_lines_as_elsewhere)
{
    const auto r = parse_agent_result("\xEF\xBB\xBF{\r\n  \"summary\": \"done\"\r\n}\r\n");
    ASSERT_TRUE(r) << r.error().message();
    EXPECT_EQ(r->summary, "done");
    EXPECT_TRUE(parse_agent_result("\xEF\xBB\xBF"));
}

TEST(AgentResult, may_say_nothing)
{
    EXPECT_EQ(parse_agent_result("").value().decision, decision::none);
    EXPECT_EQ(parse_agent_result(" {}\n").value().summary, "");
    EXPECT_EQ(to_string(parse_agent_result(R"({"decision": null})").value().decision), "");
}

TEST(AgentResult, may_begin_with_a_byte_order_mark_and_end_its_lines_as_windows_does)
{
    EXPECT_EQ(parse_agent_result("\xEF\xBB\xBF{\"decision\":\r\n \"reject\"}\r\n").value().decision,
              decision::reject);
    EXPECT_EQ(parse_agent_result("\xEF\xBB\xBF").value().decision, decision::none);
}

TEST(AgentResult, may_stand_at_the_end_of_the_last_message)
{
    const auto found = [](std::string_view text) {
        const auto said = result_at_end(text);
        return said ? std::string(to_string(said->decision)) + ": " + said->summary : "-";
    };
    EXPECT_EQ(found(R"({"decision": "approve"})"), "approve: ");
    EXPECT_EQ(found("I looked.\n\n```json\n{\"decision\": \"reject\",\r\n \"summary\": \"a } b\","
                    " \"data\": {\"x\": {}}}\n```\n"),
              "reject: a } b");
    EXPECT_EQ(
        found("Not {\"decision\": \"reject\"} any more:\n {\"decision\": \"approve\", \"summary\": \"{}\"}"),
        "approve: {}");
    EXPECT_EQ(found(R"(I do not say {"decision": "approve"})"), "-") << "a quotation is no approval";
    EXPECT_EQ(found(R"(My verdict: {"decision": "reject"})"), "reject: ");
    for (const char* text :
         {"", "}", "Approved.", R"({"decision": "approve"} is what I would say)", R"({"decision": "maybe"})",
          R"({"summary": "fine"})", R"("decision": "approve"})"})
        EXPECT_EQ(found(text), "-") << text;
    EXPECT_EQ(found(std::string(100'000, '{') + "}"), "-");
}

TEST(AgentResult, is_refused_when_it_is_not_understood)
{
    auto why = [](std::string_view text) { return parse_agent_result(text).error().message(); };
    EXPECT_THAT(why(R"({"decision": "maybe"})"), HasSubstr("approve, reject, request_changes, escalate"));
    EXPECT_THAT(why(R"({"decision": 1})"), HasSubstr("string"));
    EXPECT_THAT(why(R"({"files": "a"})"), HasSubstr("list"));
    EXPECT_THAT(why(R"({"files": [1]})"), HasSubstr("list"));
    EXPECT_THAT(why(R"({"data": []})"), HasSubstr("object"));
    EXPECT_THAT(why(R"({"summary": {}})"), HasSubstr("summary"));
    EXPECT_THAT(why("approve"), HasSubstr("not JSON"));
    EXPECT_THAT(why("[]"), HasSubstr("object"));
    EXPECT_THAT(why(std::string(largest_result + 1, ' ')), HasSubstr("larger than 1 MiB"));
}

} // namespace
} // namespace graftline::agents
