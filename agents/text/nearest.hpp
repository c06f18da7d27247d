/// "Did you mean …?"
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace graftline::agents {

/// The candidate that `word` most likely is a slip for: few letters added, left out, exchanged or swapped; ""
/// when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// "; did you mean 'x'?", or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

} // namespace graftline::agents
