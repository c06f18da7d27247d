#include "graftline/git/naming/naming.hpp"

#include <array>
#include <cstdint>

namespace graftline::git {
namespace {

/// U+00C0 to U+017F in ASCII, by position; letters only.
constexpr std::array<std::string_view, 192> latin{
    "a", "a", "a",  "a",  "a", "a", "ae", "c",  "e",  "e", "e", "e", "i",  "i",  "i", "i", "d", "n",
    "o", "o", "o",  "o",  "o", "",  "o",  "u",  "u",  "u", "u", "y", "th", "ss", "a", "a", "a", "a",
    "a", "a", "ae", "c",  "e", "e", "e",  "e",  "i",  "i", "i", "i", "d",  "n",  "o", "o", "o", "o",
    "o", "",  "o",  "u",  "u", "u", "u",  "y",  "th", "y", "a", "a", "a",  "a",  "a", "a", "c", "c",
    "c", "c", "c",  "c",  "c", "c", "d",  "d",  "d",  "d", "e", "e", "e",  "e",  "e", "e", "e", "e",
    "e", "e", "g",  "g",  "g", "g", "g",  "g",  "g",  "g", "h", "h", "h",  "h",  "i", "i", "i", "i",
    "i", "i", "i",  "i",  "i", "i", "ij", "ij", "j",  "j", "k", "k", "k",  "l",  "l", "l", "l", "l",
    "l", "l", "l",  "l",  "l", "n", "n",  "n",  "n",  "n", "n", "n", "n",  "n",  "o", "o", "o", "o",
    "o", "o", "oe", "oe", "r", "r", "r",  "r",  "r",  "r", "s", "s", "s",  "s",  "s", "s", "s", "s",
    "t", "t", "t",  "t",  "t", "t", "u",  "u",  "u",  "u", "u", "u", "u",  "u",  "u", "u", "u", "u",
    "w", "w", "y",  "y",  "y", "z", "z",  "z",  "z",  "z", "z", "s"};

/// Takes one character of UTF-8 off `text`; a byte that is not part of one counts as a blank.
std::uint32_t next_character(std::string_view& text)
{
    const auto first = static_cast<unsigned char>(text.front());
    const std::size_t length = first < 0x80       ? 1
                               : first >> 5 == 6  ? 2
                               : first >> 4 == 14 ? 3
                               : first >> 3 == 30 ? 4
                                                  : 0;
    if (length == 0 || length > text.size()) {
        text.remove_prefix(1);
        return ' ';
    }
    std::uint32_t point = length == 1 ? first : first & (0x7Fu >> length);
    for (std::size_t at = 1; at < length; ++at) {
        const auto more = static_cast<unsigned char>(text[at]);
        if (more >> 6 != 2) {
            text.remove_prefix(1);
            return ' ';
        }
        point = point << 6 | (more & 0x3Fu);
    }
    text.remove_prefix(length);
    return point;
}

bool is_ascii_alphanumeric(std::uint32_t point)
{
    return (point >= 'a' && point <= 'z') || (point >= 'A' && point <= 'Z') || (point >= '0' && point <= '9');
}

char lower(std::uint32_t point)
{
    return static_cast<char>(point >= 'A' && point <= 'Z' ? point - 'A' + 'a' : point);
}

/// The character as letters of a slug; nullopt when it separates words, "" when it is passed over within one.
std::optional<std::string> written(std::uint32_t point)
{
    if (is_ascii_alphanumeric(point)) return std::string(1, lower(point));
    if (point >= 0xC0 && point < 0xC0 + latin.size() && !latin[point - 0xC0].empty())
        return std::string(latin[point - 0xC0]);
    const bool apostrophe = point == '\'' || point == 0x2019;
    const bool accent = point >= 0x300 && point < 0x370; // a decomposed letter's
    if (apostrophe || accent) return std::string();
    return std::nullopt;
}

/// Words of ASCII letters and digits, at most `most` characters of them: a description may be a whole file.
std::vector<std::string> words_of(std::string_view text, std::size_t most)
{
    std::vector<std::string> words;
    std::size_t taken = 0;
    bool open = false;
    while (!text.empty() && taken <= most) {
        const auto letters = written(next_character(text));
        if (!letters) {
            open = false;
        } else if (!letters->empty()) {
            if (!open) words.emplace_back();
            words.back() += *letters;
            taken += letters->size();
            open = true;
        }
    }
    return words;
}

constexpr std::string_view fallback = "task";

/// No empty name, no `-` at an end.
std::string mended(std::string name)
{
    while (name.ends_with('-'))
        name.pop_back();
    const auto start = name.find_first_not_of('-');
    name.erase(0, start == name.npos ? name.size() : start);
    return name.empty() ? std::string(fallback) : name;
}

} // namespace

std::string slug(std::string_view description, std::size_t limit)
{
    if (limit == 0) limit = 1;
    std::string name;
    for (const std::string& word : words_of(description, limit)) {
        if (name.empty()) {
            name = word.substr(0, limit);
        } else if (name.size() + 1 + word.size() <= limit) {
            name += '-' + word;
        } else {
            break;
        }
    }
    return mended(std::move(name));
}

std::string plain_slug(std::string_view description, std::size_t limit)
{
    std::string name;
    while (!description.empty() && name.size() < limit) {
        const auto letters = written(next_character(description));
        name += letters && !letters->empty() ? *letters : "-";
    }
    name.resize(std::min(name.size(), limit));
    return mended(std::move(name));
}

} // namespace graftline::git
