/// Making other people's bytes safe to read and to show.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace graftline::agents {

/// One line that a terminal shows and does not obey: colours and other escape sequences are dropped, control
/// characters become blanks, bytes that are not UTF-8 become U+FFFD; blanks at both ends are gone. What a
/// program overwrote with a carriage return is not in it.
std::string printable(std::string_view line);

/// The same for a text of several lines; blank lines at both ends are gone.
std::string printable_text(std::string_view text);

/// At most `limit` bytes of `text`, cut between characters, with "…" where something is missing.
std::string shortened(std::string_view text, std::size_t limit);

} // namespace graftline::agents
