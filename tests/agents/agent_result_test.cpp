#include "graftline/agents/agent_result.hpp"

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

TEST(AgentResult, may_say_nothing)
{
    EXPECT_EQ(parse_agent_result("").value().decision, decision::none);
    EXPECT_EQ(parse_agent_result(" {}\n").value().summary, "");
    EXPECT_EQ(to_string(parse_agent_result(R"({"decision": null})").value().decision), "");
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
