/// Where characters begin and end in other people's bytes.
#pragma once

#include <cstddef>
#include <string_view>

namespace graftline {

/// Length in bytes of the well-formed UTF-8 character at `at`; 0 when there is none.
std::size_t character_length(std::string_view text, std::size_t at) noexcept;

/// At most the first, or the last, `limit` bytes of `text`, cut between characters where there are any.
std::string_view beginning_of(std::string_view text, std::size_t limit) noexcept;
std::string_view end_of(std::string_view text, std::size_t limit) noexcept;

} // namespace graftline
