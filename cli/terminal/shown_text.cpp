#include "graftline/cli/terminal/shown_text.hpp"

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cwchar>
#include <utility>

namespace graftline::cli {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD
constexpr std::string_view ellipsis = "…";

std::size_t length_by_first_byte(unsigned char c)
{
    if (c < 0x80) return 1;
    if (c >= 0xC2 && c < 0xE0) return 2;
    if (c >= 0xE0 && c < 0xF0) return 3;
    if (c >= 0xF0 && c < 0xF5) return 4;
    return 0;
}

/// A whole character's code point; 0xFFFD for what is none.
char32_t decode(std::string_view one)
{
    const auto first = static_cast<unsigned char>(one[0]);
    if (one.size() == 1) return first < 0x80 ? first : 0xFFFD;
    char32_t point = first & (0xFFu >> (one.size() + 1));
    for (char c : one.substr(1)) {
        if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) return 0xFFFD;
        point = (point << 6) | (static_cast<unsigned char>(c) & 0x3F);
    }
    const char32_t least = one.size() == 2 ? 0x80 : one.size() == 3 ? 0x800 : 0x10000;
    const bool surrogate = point >= 0xD800 && point < 0xE000;
    return point < least || surrogate || point > 0x10FFFF ? 0xFFFD : point;
}

/// C1 controls, and marks that turn the direction of text around and so hide what is written.
bool is_hidden_control(char32_t point)
{
    return (point >= 0x80 && point < 0xA0) || (point >= 0x202A && point <= 0x202E) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0x2028 || point == 0x2029 || point == 0xFEFF;
}

std::string_view next_character(std::string_view text)
{
    const auto length = std::max<std::size_t>(1, length_by_first_byte(static_cast<unsigned char>(text[0])));
    return text.substr(0, length);
}

std::size_t columns_of_character(std::string_view one)
{
    // The C library knows the widths of all characters, but only in a locale that has them.
    static const locale_t unicode = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    if (one.size() == 1) return 1;
    if (!unicode) return 1;
    const locale_t before = ::uselocale(unicode);
    const int width = ::wcwidth(static_cast<wchar_t>(decode(one)));
    ::uselocale(before);
    return width < 0 ? 1 : static_cast<std::size_t>(width);
}

} // namespace

std::string harmless_text(std::string_view text)
{
    const auto needs_a_look = [](unsigned char c) {
        return c >= 0x7F || (c < 0x20 && c != '\n' && c != '\t');
    };
    if (std::ranges::none_of(text, needs_a_look)) return std::string(text);
    text_filter filter(true);
    auto safe = filter.feed(text);
    safe += filter.end();
    return safe;
}

std::string text_filter::feed(std::string_view chunk)
{
    std::string out;
    out.reserve(chunk.size());
    for (char c : chunk)
        take(c, out);
    return out;
}

std::string text_filter::end()
{
    std::string out;
    if (state_ == in::text && !pending_.empty()) out += replacement;
    pending_.clear();
    if (std::exchange(colored_, false)) out += "\x1b[0m";
    return out;
}

void text_filter::take(char c, std::string& out)
{
    constexpr std::size_t longest_sequence = 64;
    switch (state_) {
    case in::text: take_text(static_cast<unsigned char>(c), out); return;
    case in::escape:
        pending_ += c;
        if (c == '[')
            state_ = in::sequence;
        else if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_')
            state_ = in::string;
        else if (c >= 0x20 && c < 0x30)
            return; // an intermediate byte: the sequence goes on
        else
            state_ = in::text;
        if (state_ != in::sequence) pending_.clear();
        return;
    case in::sequence:
        pending_ += c;
        if (c >= 0x40 && c < 0x7F) {
            if (c == 'm' && keep_colors_) {
                out += pending_;
                colored_ = pending_ != "\x1b[0m" && pending_ != "\x1b[m";
            }
        } else if (c >= 0x20 && c < 0x40 && pending_.size() < longest_sequence) {
            return;
        }
        pending_.clear();
        state_ = in::text;
        if (c == '\n') take_text('\n', out);
        return;
    case in::string:
        // A title or the like that is never ended must not swallow the rest of a log.
        if (c == '\x07' || c == '\n') {
            state_ = in::text;
            if (c == '\n') take_text('\n', out);
        } else if (c == '\x1b') {
            state_ = in::string_escape;
        }
        return;
    case in::string_escape: state_ = c == '\\' ? in::text : in::string; return;
    }
}

void text_filter::take_text(unsigned char c, std::string& out)
{
    if (std::exchange(after_return_, false) && c != '\n') out += '\n';
    if (!pending_.empty()) {
        if ((c & 0xC0) == 0x80) {
            pending_ += static_cast<char>(c);
            if (pending_.size() == wanted_) finish_character(out);
            return;
        }
        out += replacement;
        pending_.clear();
    }
    if (c == 0x1b) {
        pending_ = "\x1b";
        state_ = in::escape;
    } else if (c == '\r') {
        after_return_ = true;
    } else if (c == '\n' || c == '\t' || (c >= 0x20 && c < 0x7F)) {
        out += static_cast<char>(c);
    } else if (c >= 0x80) {
        wanted_ = length_by_first_byte(c);
        if (wanted_ == 0)
            out += replacement;
        else
            pending_ += static_cast<char>(c);
    }
}

void text_filter::finish_character(std::string& out)
{
    const auto point = decode(pending_);
    if (point == 0xFFFD)
        out += replacement;
    else if (!is_hidden_control(point))
        out += pending_;
    pending_.clear();
}

std::string harmless_line(std::string_view text)
{
    text_filter filter;
    std::string line = filter.feed(text) + filter.end();
    std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\t'; }, ' ');
    while (line.ends_with(' '))
        line.pop_back();
    return line;
}

std::size_t columns_of(std::string_view text)
{
    std::size_t columns = 0;
    while (!text.empty()) {
        const auto one = next_character(text);
        columns += columns_of_character(one);
        text.remove_prefix(one.size());
    }
    return columns;
}

std::string fit(std::string_view text, std::size_t columns)
{
    std::size_t used = 0, kept = 0; // `kept`: bytes that leave a column for the ellipsis
    for (std::size_t at = 0; at < text.size();) {
        const auto one = next_character(text.substr(at));
        used += columns_of_character(one);
        if (used > columns) return columns == 0 ? "" : std::string(text.substr(0, kept)).append(ellipsis);
        at += one.size();
        if (used + 1 <= columns) kept = at;
    }
    return std::string(text);
}

std::string pad(std::string_view text, std::size_t columns)
{
    std::string cut = fit(text, columns);
    cut.append(columns - std::min(columns, columns_of(cut)), ' ');
    return cut;
}

std::string duration_text(double seconds)
{
    char text[32];
    const auto whole = static_cast<long long>(seconds);
    if (seconds < 10)
        std::snprintf(text, sizeof text, "%.1fs", seconds < 0 ? 0.0 : seconds);
    else if (whole < 60)
        std::snprintf(text, sizeof text, "%llds", whole);
    else if (whole < 3600)
        std::snprintf(text, sizeof text, "%lldm%02llds", whole / 60, whole % 60);
    else
        std::snprintf(text, sizeof text, "%lldh%02lldm", whole / 3600, whole / 60 % 60);
    return text;
}

} // namespace graftline::cli
