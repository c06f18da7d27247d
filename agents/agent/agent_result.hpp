/// The file that an agent may leave to say what it decided (GRAFTLINE_RESULT).
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <boost/json/object.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::agents {

enum class decision { none, approve, reject, request_changes, escalate };
/// As it stands in the file; "" for none.
std::string_view to_string(decision d) noexcept;

struct agent_result {
    agents::decision decision = agents::decision::none;
    std::string summary;
    std::vector<std::string> files;
    boost::json::object data;
};

/// The most that is read of a result file, in bytes.
inline constexpr std::size_t largest_result = 1024 * 1024;

/// Reads the file's text, with or without a byte order mark; blank is a result that says nothing. Keys that
/// are not known are passed over: an agent may know more than we do. Errors: invalid, for text that is too
/// large, not a JSON object, or has a known key of another type or an unknown decision.
result<agent_result> parse_agent_result(std::string_view text);

/// The result that an agent wrote at the end of its last message instead, bare or in a code block; nullopt
/// where that is no object with a decision. An approval begins a line: within a sentence it may be quoted.
std::optional<agent_result> result_at_end(std::string_view message);

} // namespace graftline::agents
