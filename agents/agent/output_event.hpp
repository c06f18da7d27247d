/// Reading JSON that may be anything, and making lines of it that can be shown.
#pragma once

#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace graftline::agents {

inline constexpr std::size_t longest_shown = 400;   ///< bytes of a line
inline constexpr std::size_t longest_said = 65'536; ///< bytes of a message that are kept

/// What stands at a path such as "/message/usage"; nullptr when nothing does.
const boost::json::value* look(const boost::json::value& v, std::string_view path);
/// Empty where there is no text.
std::string_view text_at(const boost::json::value& v, std::string_view path);
/// 0 where there is no number, and for one that nobody can mean.
double number_at(const boost::json::value& v, std::string_view path);
std::int64_t count_at(const boost::json::value& v, std::string_view path);
/// False where there is neither true nor false.
bool is_true_at(const boost::json::value& v, std::string_view path);

std::string_view first_line(std::string_view text);
std::string_view last_line(std::string_view text);

/// The line as it is shown; nothing of a blank one.
std::optional<std::string> shown(std::string_view line);
/// "Edit src/a.cpp": a tool and what it is used on.
std::optional<std::string> tool_line(std::string_view tool, const boost::json::value* input);

} // namespace graftline::agents
