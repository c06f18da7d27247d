#include "graftline/runtime/base/utf8.hpp"

namespace graftline {
namespace {

unsigned char byte_at(std::string_view text, std::size_t at) noexcept
{
    return static_cast<unsigned char>(text[at]);
}

bool goes_on(std::string_view text, std::size_t at) noexcept
{
    return at < text.size() && (byte_at(text, at) & 0xC0) == 0x80;
}

constexpr std::size_t longest_rest = 3; // bytes of a character after its first

} // namespace

std::size_t character_length(std::string_view text, std::size_t at) noexcept
{
    const unsigned char first = byte_at(text, at);
    if (first < 0x80) return 1;
    const std::size_t length = first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    if (length == 0 || text.size() - at < length) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if (!goes_on(text, at + i)) return 0;
    const unsigned char second = byte_at(text, at + 1);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool outside = (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);
    return overlong || outside ? 0 : length;
}

std::string_view beginning_of(std::string_view text, std::size_t limit) noexcept
{
    if (text.size() <= limit) return text;
    std::size_t end = limit;
    for (std::size_t back = 0; back < longest_rest && end > 0 && goes_on(text, end); ++back)
        --end;
    return text.substr(0, goes_on(text, end) ? limit : end);
}

std::string_view end_of(std::string_view text, std::size_t limit) noexcept
{
    if (text.size() <= limit) return text;
    std::size_t begin = text.size() - limit;
    for (std::size_t on = 0; on < longest_rest && goes_on(text, begin); ++on)
        ++begin;
    return text.substr(goes_on(text, begin) ? text.size() - limit : begin);
}

} // namespace graftline
