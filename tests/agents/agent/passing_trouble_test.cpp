#include "graftline/agents/agent/passing_trouble.hpp"

#include <gtest/gtest.h>

#include <string>

namespace graftline::agents {
namespace {

TEST(PassingTrouble, is_known_by_what_agents_say)
{
    for (
        const auto* said : {
            R"(API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"Number of requests"}})",
            R"(API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})",
            "exceeded retry limit, last status: 429 Too Many Requests",
            R"([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}])",
            "stream error: HTTP/1.1 503",
            "Error: connect ECONNREFUSED 127.0.0.1:443",
            "curl: (56) Recv failure: Connection reset by peer",
            "Request timed out.",
            "getaddrinfo EAI_AGAIN api.example.org",
            "TypeError: fetch failed",
        })
        EXPECT_EQ(outlook_of_output(said), outlook::passes) << said;
}

TEST(PassingTrouble, is_not_seen_in_what_stays_as_it_is)
{
    for (
        const auto* said : {
            "",
            "3 tests failed",
            "error: expected ';' at line 429",
            "wrote 503 lines, 429 changed",
            "HTTP 401 Unauthorized",
            "status: 4290",
            "Credit balance is too low",
            R"({"error":{"code":"insufficient_quota","message":"429 You exceeded your current quota, billing"}})",
            "Claude AI usage limit reached|1700000000",
            "Invalid API key",
        })
        EXPECT_NE(outlook_of_output(said), outlook::passes) << said;
}

TEST(PassingTrouble, is_known_by_what_services_say_of_themselves)
{
    for (const auto* said : {
             "We\xE2\x80\x99re currently experiencing high demand, which may cause temporary errors.",
             "stream disconnected before completion: error sending request",
             "Selected model is at capacity. Please try a different model.",
             "No capacity available for model",
             "unexpected status 408 Request Timeout: Request timeout",
             "API Error: Request rejected (429) - This request would exceed your limit",
             "API Error: The operation timed out.",
             "[API Error: Incomplete JSON segment at the end]",
             "Resource has been exhausted (e.g. check quota).",
             R"({"data":{"message":"The server had an error","statusCode":500,"isRetryable":true}})",
             "You have reached your rate limit, slow down",
             "openai.APIStatusError: status code 503",
             "An error occurred while processing your request. You can retry your request.",
             "botocore.errorfactory.ThrottlingException: slow down",
             "litellm.InternalServerError: AnthropicException",
             "httpx.ReadTimeout",
         }) {
        EXPECT_EQ(outlook_of_words(said), outlook::passes) << said;
        EXPECT_EQ(outlook_of_output(said), outlook::passes) << said;
    }
}

TEST(PassingTrouble, is_told_from_a_quota_that_is_spent)
{
    for (const auto* said : {
             "You\xE2\x80\x99ve hit your usage limit. Try again later.",
             "You've hit your session limit \xC2\xB7 resets 3:45pm",
             "You've reached your 5-hour limit, try again at 18:00",
             "Claude AI usage limit reached|1700000000",
             "Quota exceeded. Check your plan and billing details.",
             "Credit balance is too low",
             "429 You exceeded your current quota",
             "You have exhausted your capacity on this model. Your quota will reset after 3h.",
             "402 Insufficient Balance",
         })
        EXPECT_EQ(outlook_of_words(said), outlook::spent) << said;
    EXPECT_EQ(outlook_of_words("Prompt is too long"), outlook::stays);
    EXPECT_EQ(outlook_of_words("Not logged in \xC2\xB7 Please run /login"), outlook::stays);
    EXPECT_EQ(outlook_of_words("Reached maximum budget ($0.003)"), outlook::stays);
}

TEST(PassingTrouble, is_not_what_a_test_says_of_the_code)
{
    for (const auto* said : {
             "FAILED tests/http_test.cpp: HTTP 500 is not mapped",
             "AssertionError: expected 429 Too Many Requests, got 200",
             "--- FAIL: Retry (status 503)",
             "not ok 3 - overloaded server",
             "[  FAILED  ] Client.rate_limit",
             "  \xE2\x9C\x97 handles status 503",
             "error: HTTP 503 is answered where it must not be",
             "got 200, want 429 Too Many Requests",
             "2 failed, 7 passed: overloaded",
             "error: undefined reference to rate_limit",
         })
        EXPECT_EQ(outlook_of_output(said), outlook::stays) << said;
    EXPECT_EQ(outlook_of_output("FAILED tests/a\nAPI Error: 529 Overloaded"), outlook::passes)
        << "the other lines are somebody else's";
}

TEST(PassingTrouble, has_its_statuses)
{
    for (const int passing : {408, 425, 429, 500, 502, 503, 504, 524, 529})
        EXPECT_EQ(outlook_of_status(passing), outlook::passes) << passing;
    for (const int staying : {0, 200, 400, 401, 403, 404, 413, 501, 505, 600})
        EXPECT_EQ(outlook_of_status(staying), outlook::stays) << staying;
    EXPECT_EQ(outlook_of_status(402), outlook::spent);
}

TEST(PassingTrouble, is_looked_for_in_any_bytes)
{
    std::string bytes;
    for (int i = 0; i < 1024; ++i)
        bytes += static_cast<char>(i * 37);
    EXPECT_EQ(outlook_of_output(bytes), outlook::stays);
    EXPECT_EQ(outlook_of_output(bytes + "\xff Rate-Limit\x80"), outlook::passes);
}

} // namespace
} // namespace graftline::agents
