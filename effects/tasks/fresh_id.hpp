/// Ids of runs, tasks and what belongs to them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace graftline::effects {

/// A new id that no run and no task has: `prefix` and `digits` hex digits.
std::string fresh_id(std::string_view prefix, std::size_t digits);

} // namespace graftline::effects
