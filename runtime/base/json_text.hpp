/// JSON as text: what we keep for ourselves holds any bytes, what we print for programs is UTF-8.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace graftline {

/// Containers inside each other, at most: what is deeper cannot be read, and is not to be written.
inline constexpr std::size_t deepest_json = 1000;

/// Reads what `boost::json::serialize` wrote, and what others wrote: strings may hold bytes that are no
/// UTF-8, which pass through unharmed. Errors: corrupt, with the parser's own words.
result<boost::json::value> parse_json(std::string_view text);

/// `bytes` as UTF-8, so that nothing is lost: a byte that belongs to no character stands as the character
/// U+10FE00 plus the byte. Those characters themselves (U+10FE80 to U+10FEFF, which no text should have) are
/// written byte by byte in the same way. Text that is UTF-8 is as it was.
std::string utf8_of(std::string_view bytes);
/// The bytes that `utf8_of` made `text` of.
std::string bytes_of(std::string_view text);

/// JSON for readers outside: every string in it, names of fields too, as `utf8_of` has it.
std::string public_text(const boost::json::value& document);

} // namespace graftline
