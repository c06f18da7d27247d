/// Filling a task's values into the words of an agent's command.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::agents {

/// Values by name, without braces: id key task prompt prompt_file worktree branch base plan stage priority.
/// `placeholders_of` (agent_environment.hpp) makes them.
using placeholder_values = std::map<std::string, std::string, std::less<>>;

/// Replaces each {name} that has a value. Each word stays one word whatever the value holds, values are not
/// searched again, and other braces stay as they are. Errors: invalid, for a word longer than Linux takes
/// (128 KiB), with the way out: {prompt_file}.
result<std::vector<std::string>> fill_words(const std::vector<std::string>& words,
                                            const placeholder_values& values);

/// The same for a text of any length.
std::string fill_text(std::string_view text, const placeholder_values& values);

/// Does any word hold {name}?
bool mentions(const std::vector<std::string>& words, std::string_view name);

/// The most bytes that one word, or one variable of the environment with its name, may have (MAX_ARG_STRLEN
/// less its end).
inline constexpr std::size_t longest_word = 128 * 1024 - 1;

} // namespace graftline::agents
