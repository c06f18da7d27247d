#include "graftline/runtime/base/json_text.hpp"

#include "graftline/runtime/base/utf8.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace graftline {
namespace {

namespace json = boost::json;

// U+10FE80 to U+10FEFF, in bytes: these three, then 0x80 to 0xBF.
constexpr std::string_view low_half = "\xF4\x8F\xBA", high_half = "\xF4\x8F\xBB";

bool stands_for_byte(std::string_view character)
{
    return character.size() == 4 && (character.starts_with(low_half) || character.starts_with(high_half));
}

void append_byte(std::string& into, char byte)
{
    const auto value = static_cast<unsigned char>(byte);
    into += value < 0xC0 ? low_half : high_half;
    into += static_cast<char>(0x80 | (value & 0x3F));
}

char byte_in(std::string_view character)
{
    const int low = static_cast<unsigned char>(character[3]) & 0x3F;
    return static_cast<char>((character.starts_with(low_half) ? 0x80 : 0xC0) | low);
}

} // namespace

result<json::value> parse_json(std::string_view text)
{
    json::parse_options options;
    options.allow_invalid_utf8 = true;
    options.max_depth = deepest_json;
    error_code failed;
    auto value = json::parse(json::string_view(text.data(), text.size()), failed, {}, options);
    if (failed) return fault(errc::corrupt, "it is not JSON").with("cause", failed.message());
    return value;
}

std::string utf8_of(std::string_view bytes)
{
    std::string text;
    text.reserve(bytes.size());
    for (std::size_t at = 0; at < bytes.size();) {
        const auto length = character_length(bytes, at);
        const auto character = bytes.substr(at, length);
        if (length > 0 && !stands_for_byte(character)) {
            text += character;
            at += length;
        } else {
            append_byte(text, bytes[at++]);
        }
    }
    return text;
}

std::string bytes_of(std::string_view text)
{
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const auto length = std::max<std::size_t>(character_length(text, at), 1);
        const auto character = text.substr(at, length);
        if (stands_for_byte(character))
            bytes += byte_in(character);
        else
            bytes += character;
        at += length;
    }
    return bytes;
}

std::string public_text(const json::value& document)
{
    // Outside of strings JSON is ASCII, and a string's bytes from 0x80 on are written as they are.
    return utf8_of(json::serialize(document));
}

} // namespace graftline
