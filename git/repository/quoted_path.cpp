#include "graftline/git/repository/quoted_path.hpp"

namespace graftline::git {
namespace {

/// The letter after the backslash; 0: digits.
char short_escape(unsigned char c)
{
    constexpr std::string_view bytes = "\a\b\t\n\v\f\r\"\\";
    constexpr std::string_view letters = "abtnvfr\"\\";
    const auto at = bytes.find(static_cast<char>(c));
    return at == bytes.npos ? '\0' : letters[at];
}

} // namespace

std::string quoted_path(std::string_view path, bool other_bytes, bool spaces)
{
    std::string text = "\"";
    bool needed = spaces && path.find(' ') != path.npos;
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        const char letter = short_escape(byte);
        if (letter == '\0' && byte >= 0x20 && byte != 0x7f && (byte < 0x80 || !other_bytes)) {
            text += c;
            continue;
        }
        needed = true;
        text += '\\';
        if (letter != '\0')
            text += letter;
        else
            for (const int shift : {6, 3, 0})
                text += static_cast<char>('0' + ((byte >> shift) & 7));
    }
    return needed ? text + "\"" : std::string(path);
}

} // namespace graftline::git
