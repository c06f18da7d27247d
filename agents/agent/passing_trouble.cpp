#include "graftline/agents/agent/passing_trouble.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <span>
#include <string>

namespace graftline::agents {
namespace {

constexpr std::array passes{
    "rate limit",
    "ratelimit",
    "too many requests",
    "overloaded",
    "at capacity",
    "no capacity",
    "over capacity",
    "high demand",
    "resource exhausted",
    "resource has been exhausted",
    "try again later",
    "try again in a",
    "please retry",
    "temporary error",
    "temporarily unavailable",
    "temporary failure",
    "service unavailable",
    "server unavailable",
    "server had an error",
    "internal server error",
    "bad gateway",
    "gateway timeout",
    "gateway time out",
    "request timeout",
    "request timed out",
    "operation timed out",
    "connection timed out",
    "connection reset",
    "connection refused",
    "connection error",
    "connection failed",
    "connection lost",
    "connection aborted",
    "connection closed",
    "connection was closed",
    "connection dropped",
    "cannot connect to api",
    "stream disconnected",
    "stream closed before",
    "error sending request",
    "incomplete json segment",
    "empty or malformed response",
    "network error",
    "network is unreachable",
    "name resolution",
    "enotfound",
    "econnreset",
    "econnrefused",
    "etimedout",
    "epipe",
    "eai again",
    "fetch failed",
    "socket hang up",
    "other side closed",
    "isretryable true",
    "you can retry your request",
    "high traffic",
    "server is busy",
    "deadline exceeded",
    "upstream connect error",
    "throttlingexception",
    "was throttled",
    "connectionerror",
    "readtimeout",
    "connecttimeout",
    "serviceunavailable",
    "internalservererror",
};
/// A quota of money or time. "hit your … limit" and its kin are looked for apart.
constexpr std::array spent{
    "credit balance",
    "insufficient quota",
    "insufficient credit",
    "insufficient funds",
    "quota exceeded",
    "current quota",
    "out of credit",
    "out of extra usage",
    "usage limit",
    "session limit",
    "weekly limit",
    "monthly limit",
    "daily limit",
    "hour limit",
    "spending limit",
    "spend limit",
    "billing details",
    "billing hard limit",
    "billing error",
    "billing not active",
    "payment required",
    "plan and billing",
    "insufficient balance",
    "not enough credit",
    "exhausted your capacity",
    "exhausted your daily quota",
    "quota will reset",
};
/// Trouble that words above may stand beside, and that no waiting ends.
constexpr std::array stays{
    "invalid api key", "incorrect api key", "api key not valid", "please run login",
    "not logged in",   "unauthorized",      "maximum budget",
};

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

bool says_one_of(std::string_view words, std::span<const char* const> phrases)
{
    return std::ranges::any_of(phrases, [&](std::string_view p) { return words.find(p) != words.npos; });
}

/// "You've hit your session limit", "You have reached your 5-hour limit".
bool says_limit_is_reached(std::string_view words)
{
    constexpr std::size_t near = 40;
    for (const std::string_view verb : {" hit your ", " reached your ", " exceeded your ", " used up your "})
        for (auto at = words.find(verb); at != words.npos; at = words.find(verb, at + 1)) {
            const auto after = words.substr(at + verb.size(), near);
            if (after.find("rate limit") == after.npos && after.find("limit ") != after.npos) return true;
        }
    return false;
}

int number_at(std::string_view words, std::size_t at)
{
    const auto text = words.substr(at, words.find(' ', at) - at);
    int number = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failed == std::errc() && end == text.data() + text.size() ? number : 0;
}

/// "HTTP 500 is not mapped": a sentence about the status, not the answer of a service.
bool speaks_about(std::string_view after_number)
{
    constexpr std::array verbs{" is ", " are ", " was ", " should ", " must ", " to ", " instead ", " when "};
    return std::ranges::any_of(verbs, [&](std::string_view v) { return after_number.starts_with(v); });
}

/// "HTTP 429", "API Error: 529", "status code 503", "Request rejected (429)": a number alone may be anything.
bool names_passing_status(std::string_view words)
{
    for (const std::string_view before :
         {" http ", " error ", " status ", " code ", " statuscode ", " http 1 1 ", " http 2 ", " rejected "})
        for (auto at = words.find(before); at != words.npos; at = words.find(before, at + 1)) {
            const auto number = at + before.size();
            if (outlook_of_status(number_at(words, number)) != outlook::passes) continue;
            if (!speaks_about(words.substr(std::min(words.find(' ', number), words.size())))) return true;
        }
    return false;
}

/// Somebody tests or compiles something, and it speaks of statuses and limits as its own matter.
bool is_of_a_test(std::string_view line, std::string_view words)
{
    const auto bare = line.substr(std::min(line.find_first_not_of(" \t"), line.size()));
    for (const std::string_view verdict : {"FAILED ", "FAIL ", "FAIL:", "--- FAIL", "not ok ", "E  ",
                                           "[  FAILED", "\xE2\x9C\x97", "\xE2\x9C\x95", "\xE2\x97\x8F"})
        if (bare.starts_with(verdict)) return true;
    constexpr std::array signs{" test ",     " tests ",      " expected ",       " expects ",     " expect ",
                               " assert ",   " assertion ",  " assertionerror ", " asserterror ", " spec ",
                               " mismatch ", " traceback ",  " undefined ",      " passed ",      " want ",
                               " panicked ", " undeclared ", " warning unused "};
    return says_one_of(words, signs);
}

} // namespace

outlook outlook_of_status(int status) noexcept
{
    if (status == 402) return outlook::spent;
    const bool for_now = status == 408 || status == 425 || status == 429;
    const bool never = status == 501 || status == 505;
    return for_now || (status >= 500 && status < 600 && !never) ? outlook::passes : outlook::stays;
}

outlook outlook_of_words(std::string_view text)
{
    const auto words = words_of(text);
    if (says_one_of(words, spent) || says_limit_is_reached(words)) return outlook::spent;
    if (says_one_of(words, stays)) return outlook::stays;
    return says_one_of(words, passes) || names_passing_status(words) ? outlook::passes : outlook::stays;
}

outlook outlook_of_output(std::string_view last_lines)
{
    std::string theirs;
    while (!last_lines.empty()) {
        const auto line = last_lines.substr(0, last_lines.find('\n'));
        last_lines.remove_prefix(std::min(line.size() + 1, last_lines.size()));
        if (!is_of_a_test(line, words_of(line))) theirs.append(line).append("\n");
    }
    return outlook_of_words(theirs);
}

} // namespace graftline::agents
