/// Tasks as people write them: on the command line, and one a line in a file.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::agents {

/// Is this the name of an agent that can be had?
using agent_known = std::function<bool(std::string_view)>;

/// A task's description, and the agent that it asks for.
struct task_text {
    std::string description;
    std::string agent; ///< empty when none is named
};

/// Reads "description:agent". What follows the last colon is an agent only when `known` says so, hence
/// "ENG-123: text" and "see http://host:8080" are plain descriptions. A backslash before that colon keeps a
/// known name in the description. Blanks around both are dropped. Errors: invalid, for what
/// `check_description` refuses.
result<task_text> parse_task_text(std::string_view text, const agent_known& known);

/// Reads a list with one task a line; blank lines and lines that start with `#` are none. Errors name `file`
/// and line.
result<std::vector<task_text>> parse_task_list(std::string_view text, std::string_view file,
                                               const agent_known& known);

/// What every description must be: not blank, UTF-8, without control characters other than newline and tab,
/// at most 100,000 bytes (longer texts are a plan's `prompt`). Its first line is the task's title. Errors:
/// invalid.
result<void> check_description(std::string_view description);

} // namespace graftline::agents
