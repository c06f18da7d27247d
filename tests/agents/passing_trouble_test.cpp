#include "graftline/agents/passing_trouble.hpp"

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
        EXPECT_TRUE(may_pass(said)) << said;
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
        EXPECT_FALSE(may_pass(said)) << said;
}

TEST(PassingTrouble, is_looked_for_in_any_bytes)
{
    std::string bytes;
    for (int i = 0; i < 1024; ++i)
        bytes += static_cast<char>(i * 37);
    EXPECT_FALSE(may_pass(bytes));
    EXPECT_TRUE(may_pass(bytes + "\xff Rate-Limit\x80"));
}

} // namespace
} // namespace graftline::agents
