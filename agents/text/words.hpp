/// Small notations that people write in settings, plans and on the command line.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::agents {

/// Splits a command as a shell does: blanks part words, '…' keeps everything, "…" keeps all but \\ \" \$ \`,
/// a backslash keeps the next character. Nothing is expanded, and no shell is ever started, so what only a
/// shell could do (an unquoted | & ; < > or a newline) is refused. Errors: invalid, with the column, for an
/// open quote, a backslash at the end, a shell's operator, no word at all.
result<std::vector<std::string>> split_words(std::string_view command);

/// "30m", "10s", "1h30m", "500ms", "2d"; a plain number is seconds. Zero is allowed.
/// Errors: invalid, for anything else, and for more than a year.
result<std::chrono::milliseconds> parse_duration(std::string_view text);

/// What is wrong with a limit of zero.
inline constexpr std::string_view no_time = "must be longer than nothing; leave it out for no limit";

/// "2GiB", "500MB", "1.5G", "4096": bytes. K, M, G, T are powers of 1024, with or without "iB"; "KB" and its
/// kin are powers of 1000. Errors: invalid.
result<std::uint64_t> parse_size(std::string_view text);

} // namespace graftline::agents
