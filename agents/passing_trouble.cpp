#include "graftline/agents/passing_trouble.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

namespace graftline::agents {
namespace {

constexpr std::array passes{
    "rate limit",
    "too many requests",
    "overloaded",
    "resource exhausted",
    "try again later",
    "service unavailable",
    "server unavailable",
    "connection reset",
    "connection refused",
    "connection timed out",
    "request timed out",
    "connection error",
    "connection aborted",
    "connection closed",
    "temporary failure",
    "bad gateway",
    "gateway timeout",
    "network error",
    "internal server error",
    "econnreset",
    "econnrefused",
    "etimedout",
    "eai again",
    "fetch failed",
    "socket hang up",
};
constexpr std::array stays{
    "credit balance", "insufficient quota", "insufficient credit",
    "billing",        "invalid api key",    "usage limit reached",
};
/// Statuses of HTTP, and 529: overloaded.
constexpr std::array statuses{"429", "500", "502", "503", "504", "529"};

bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/// Small letters; what stands between words, one space: "rate_limit_error" reads as "Rate limit error" does.
std::string words_of(std::string_view text)
{
    std::string words = " ";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte))
            words += static_cast<char>(std::tolower(byte));
        else if (words.back() != ' ')
            words += ' ';
    }
    return words + ' ';
}

/// "HTTP 429", "API Error: 529", "status code 503": a number alone may be anything.
bool names_status(std::string_view words)
{
    for (const std::string_view before : {" http ", " error ", " status ", " code ", " http 1 1 "})
        for (auto at = words.find(before); at != words.npos; at = words.find(before, at + 1)) {
            const auto number = words.substr(at + before.size(), 3);
            const auto end = at + before.size() + number.size();
            const bool whole = end < words.size() && !is_digit(words[end]);
            if (whole && std::ranges::find(statuses, number) != statuses.end()) return true;
        }
    return false;
}

} // namespace

bool may_pass(std::string_view last_output)
{
    const auto words = words_of(last_output);
    const auto says = [&](std::string_view what) { return words.find(what) != words.npos; };
    return !std::ranges::any_of(stays, says) && (std::ranges::any_of(passes, says) || names_status(words));
}

} // namespace graftline::agents
