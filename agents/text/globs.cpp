#include "graftline/agents/text/globs.hpp"

#include "graftline/agents/text/printable.hpp"
#include "graftline/runtime/base/utf8.hpp"

#include <algorithm>
#include <bitset>
#include <optional>
#include <utility>
#include <vector>

namespace graftline::agents {
namespace {

constexpr std::size_t longest_glob = 1024;

fault bad(std::string_view glob, std::string_view why)
{
    return fault(errc::invalid,
                 "'" + shortened(glob, 80) + "' is not a glob that can be used: " + std::string(why));
}

using range = std::pair<char32_t, char32_t>;

/// What stands for one character of a name, or for any number of them.
struct token {
    enum class kind { any_text, one_of, none_of } is = kind::one_of;
    std::vector<range> ranges; ///< a plain character is one of a range of one
    std::bitset<128> ascii;    ///< which of these it takes
};

/// What stands between two slashes.
struct segment {
    std::string text;
    std::vector<token> tokens;
    bool any_folders = false; ///< it is "**"
};

char32_t folded(char32_t c)
{
    return c >= U'A' && c <= U'Z' ? c + 32 : c;
}

char32_t take_character(std::string_view text, std::size_t& at)
{
    const std::size_t length = std::max<std::size_t>(character_length(text, at), 1);
    char32_t c = static_cast<unsigned char>(text[at]);
    if (length > 1) c &= 0x7FU >> length;
    for (std::size_t i = 1; i < length; ++i)
        c = (c << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
    at += length;
    return c;
}

/// The bracket expression whose '[' is before `at`; nullopt when it is not closed.
std::optional<token> take_bracket(std::string_view text, std::size_t& at)
{
    token t;
    if (at < text.size() && (text[at] == '!' || text[at] == '^')) {
        t.is = token::kind::none_of;
        ++at;
    }
    for (bool first = true; at < text.size(); first = false) {
        if (text[at] == ']' && !first) {
            ++at;
            return t;
        }
        if (text[at] == '\\' && at + 1 < text.size()) ++at;
        const char32_t low = take_character(text, at);
        char32_t high = low;
        if (at + 1 < text.size() && text[at] == '-' && text[at + 1] != ']') high = take_character(text, ++at);
        t.ranges.emplace_back(low, high);
    }
    return std::nullopt;
}

bool in_ranges(const token& t, char32_t c)
{
    return std::ranges::any_of(t.ranges, [&](const range& r) { return r.first <= c && c <= r.second; });
}

bool takes(const token& t, char32_t c)
{
    const bool found =
        in_ranges(t, c) || in_ranges(t, folded(c)) || (c >= U'a' && c <= U'z' && in_ranges(t, c - 32));
    return found == (t.is == token::kind::one_of);
}

/// As `takes` has it, for all of them at once.
void note_ascii(segment& s)
{
    for (auto& t : s.tokens) {
        if (t.is == token::kind::any_text) continue;
        for (const auto& [low, high] : t.ranges)
            for (char32_t c = low; c <= std::min<char32_t>(high, 127); ++c) {
                t.ascii.set(c);
                const char32_t small = folded(c);
                if (small >= U'a' && small <= U'z') t.ascii.set(small).set(small - 32);
            }
        if (t.is == token::kind::none_of) t.ascii.flip();
    }
}

std::optional<segment> read_segment(std::string_view text)
{
    segment s{std::string(text), {}, text == "**"};
    auto& tokens = s.tokens;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '*') {
            ++at;
            if (tokens.empty() || tokens.back().is != token::kind::any_text)
                tokens.push_back({token::kind::any_text, {}, {}});
        } else if (c == '?') {
            ++at;
            tokens.push_back({token::kind::none_of, {}, {}});
        } else if (c == '[') {
            auto bracket = take_bracket(text, ++at);
            if (!bracket) return std::nullopt;
            tokens.push_back(std::move(*bracket));
        } else {
            if (c == '\\' && at + 1 < text.size()) ++at;
            const char32_t plain = take_character(text, at);
            tokens.push_back({token::kind::one_of, {{plain, plain}}, {}});
        }
    }
    note_ascii(s);
    return s;
}

bool is_plain(const segment& s)
{
    return std::ranges::all_of(s.tokens, [](const token& t) {
        return t.is == token::kind::one_of && t.ranges.size() == 1 && t.ranges[0].first == t.ranges[0].second;
    });
}

} // namespace

struct glob::pattern {
    std::vector<segment> segments;
    bool may_be_folder = false; ///< then it means all below it too

    static result<pattern> read(std::string_view glob);
};

result<glob::pattern> glob::pattern::read(std::string_view glob)
{
    if (glob.empty()) return bad(glob, "it is empty");
    if (glob.size() > longest_glob) return bad(glob, "it is longer than 1024 bytes");
    if (glob.front() == '/') return bad(glob, "it must start inside the repository, without '/'");
    pattern p;
    for (std::string_view rest = glob; !rest.empty();) {
        const auto part = rest.substr(0, rest.find('/'));
        rest.remove_prefix(std::min(part.size() + 1, rest.size()));
        if (part.empty() || part == ".") continue;
        if (part == "..") return bad(glob, "'..' leads out of the repository");
        if (part.find_first_of("{}") != part.npos)
            return bad(glob, "braces have no meaning here; write several globs");
        if (part == "**" && !p.segments.empty() && p.segments.back().any_folders) continue;
        auto s = read_segment(part);
        if (!s) return bad(glob, "a '[' is not closed");
        p.segments.push_back(std::move(*s));
    }
    if (p.segments.empty()) p.segments.push_back(*read_segment("**")); // the repository itself
    p.may_be_folder = is_plain(p.segments.back());
    return p;
}

namespace {

bool tokens_overlap(const token& a, const token& b)
{
    if ((a.ascii & b.ascii).any()) return true;
    if (a.is == token::kind::none_of && b.is == token::kind::none_of) return true;
    const auto& first = a.is == token::kind::one_of ? a : b; // at least one of them lists what it takes
    const auto& second = &first == &a ? b : a;
    return std::ranges::any_of(first.ranges, [&](const range& r) {
        if (second.is == token::kind::none_of)
            return r.second >= 128 && (takes(second, r.first) || takes(second, r.second));
        return std::ranges::any_of(
            second.ranges, [&](const range& o) { return r.first <= o.second && o.first <= r.second; });
    });
}

/// Is there something that two sequences both stand for? Items that `repeats` stand for any number of items,
/// `meet` compares two others, `ends` knows where nothing more is needed. Goes through the pairs of places
/// that can be come to, one row of them at a time: where two sequences differ, that is where it ends.
template <class Item, class Repeats, class Meet, class Ends>
bool sequences_overlap(const std::vector<Item>& a, const std::vector<Item>& b, Repeats repeats, Meet meet,
                       Ends ends)
{
    std::vector<char> row(b.size() + 1, 0), next(b.size() + 1, 0);
    std::size_t first = 0, last = 0; // between them lies all that the row has
    row[0] = 1;
    for (std::size_t i = 0; first <= last; ++i) {
        std::size_t next_first = b.size() + 1, next_last = 0;
        const auto reach_next = [&](std::size_t j) {
            next[j] = 1;
            next_first = std::min(next_first, j);
            next_last = std::max(next_last, j);
        };
        for (std::size_t j = first; j <= last; ++j) {
            if (!std::exchange(row[j], 0)) continue;
            if (ends(i, j)) return true;
            const bool a_left = i < a.size(), b_left = j < b.size();
            const bool a_repeats = a_left && repeats(a[i]), b_repeats = b_left && repeats(b[j]);
            if (b_repeats || (a_repeats && b_left)) {
                row[j + 1] = 1;
                last = std::max(last, j + 1);
            }
            if (a_repeats || (b_repeats && a_left)) reach_next(j);
            if (a_left && b_left && !a_repeats && !b_repeats && meet(a[i], b[j])) reach_next(j + 1);
        }
        row.swap(next);
        first = next_first;
        last = next_last;
    }
    return false;
}

bool segments_overlap(const segment& a, const segment& b)
{
    return sequences_overlap(
        a.tokens, b.tokens, [](const token& t) { return t.is == token::kind::any_text; }, tokens_overlap,
        [&](std::size_t i, std::size_t j) { return i == a.tokens.size() && j == b.tokens.size(); });
}

/// What every path that is meant begins with, as far as the sign before which it ends; in small letters.
std::string plain_beginning_of(std::string_view normal)
{
    std::string plain(normal.substr(0, normal.find_first_of("*?[\\")));
    std::ranges::transform(plain, plain.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
    return plain;
}

std::string text_of(const std::vector<segment>& segments)
{
    std::string text;
    for (const auto& s : segments)
        text += (text.empty() ? "" : "/") + s.text;
    return text;
}

} // namespace

result<std::string> normal_glob(std::string_view text)
{
    const auto p = glob::pattern::read(text);
    if (!p) return p.error();
    return text_of(p->segments);
}

glob::glob(std::string_view text)
{
    auto p = pattern::read(text);
    if (!p) return;
    plain_beginning_ = plain_beginning_of(text_of(p->segments));
    pattern_ = std::make_shared<const pattern>(std::move(*p));
}

bool glob::overlaps(const glob& other) const
{
    if (!pattern_ || !other.pattern_) return true;
    const auto shared = std::min(plain_beginning_.size(), other.plain_beginning_.size());
    if (plain_beginning_.compare(0, shared, other.plain_beginning_, 0, shared) != 0) return false;
    const auto &l = pattern_->segments, &r = other.pattern_->segments;
    return sequences_overlap(
        l, r, [](const segment& s) { return s.any_folders; }, segments_overlap,
        [&](std::size_t i, std::size_t j) {
            const bool left_done = i == l.size(), right_done = j == r.size();
            return (left_done && (right_done || pattern_->may_be_folder)) ||
                   (right_done && other.pattern_->may_be_folder);
        });
}

bool globs_overlap(std::string_view a, std::string_view b)
{
    return glob(a).overlaps(glob(b));
}

} // namespace graftline::agents
