#include "graftline/agents/text/printable.hpp"

#include "graftline/runtime/base/utf8.hpp"

#include <algorithm>

namespace graftline::agents {
namespace {

unsigned char byte_at(std::string_view text, std::size_t at)
{
    return static_cast<unsigned char>(text[at]);
}

/// The end of the escape sequence that starts at `at`, as ECMA-48 has them.
std::size_t escape_end(std::string_view text, std::size_t at)
{
    std::size_t next = at + 1;
    if (next == text.size()) return next;
    const char kind = text[next++];
    if (kind == '[') {
        while (next < text.size() && (byte_at(text, next) < 0x40 || byte_at(text, next) > 0x7E))
            ++next;
        return next < text.size() ? next + 1 : next;
    }
    if (kind == ']' || kind == 'P' || kind == '^' || kind == '_' ||
        kind == 'X') { // a string, up to BEL or ESC backslash
        while (next < text.size() && text[next] != '\a' && text[next] != '\x1B')
            ++next;
        if (next == text.size()) return next;
        return text[next] == '\a' ? next + 1 : escape_end(text, next);
    }
    if (byte_at(text, next - 1) >= 0x20 && byte_at(text, next - 1) <= 0x2F && next < text.size()) ++next;
    return next;
}

/// Characters that change how their neighbours are shown: C1 controls, marks that turn the direction of
/// writing.
bool is_control(std::string_view character)
{
    if (character.size() == 1) return byte_at(character, 0) < 0x20 || character[0] == 0x7F;
    if (character.size() == 2) return byte_at(character, 0) == 0xC2 && byte_at(character, 1) < 0xA0;
    return character.size() == 3 && ((character >= "\u202A" && character <= "\u202E") ||
                                     (character >= "\u2066" && character <= "\u2069"));
}

/// What is left on the line when carriage returns have been obeyed.
std::string_view last_overwrite(std::string_view line)
{
    while (line.ends_with('\r') || line.ends_with('\n'))
        line.remove_suffix(1);
    const auto back = line.rfind('\r');
    return back == line.npos ? line : line.substr(back + 1);
}

} // namespace

std::string printable(std::string_view line)
{
    line = last_overwrite(line);
    std::string shown;
    for (std::size_t at = 0; at < line.size();) {
        if (line[at] == '\x1B') {
            at = escape_end(line, at);
            continue;
        }
        const std::size_t length = character_length(line, at);
        const std::string_view character = line.substr(at, length);
        if (length == 0)
            shown += "\uFFFD";
        else if (!is_control(character))
            shown += character;
        else if (length == 1)
            shown += ' ';
        at += length ? length : 1;
    }
    shown.erase(shown.find_last_not_of(' ') + 1);
    shown.erase(0, std::min(shown.find_first_not_of(' '), shown.size()));
    return shown;
}

std::string printable_text(std::string_view text)
{
    std::string shown;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        shown += printable(text.substr(0, end)) + '\n';
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    shown.erase(shown.find_last_not_of('\n') + 1);
    shown.erase(0, std::min(shown.find_first_not_of('\n'), shown.size()));
    return shown;
}

std::string shortened(std::string_view text, std::size_t limit)
{
    constexpr std::string_view mark = "…";
    if (text.size() <= limit) return std::string(text);
    std::size_t keep = limit < mark.size() ? 0 : limit - mark.size();
    while (keep > 0 && (byte_at(text, keep) & 0xC0) == 0x80)
        --keep;
    return std::string(text.substr(0, keep)) + std::string(limit < mark.size() ? "" : mark);
}

} // namespace graftline::agents
