/// Paths as git prints them in lines.
#pragma once

#include <string>
#include <string_view>

namespace graftline::git {

/// `path` as it is, or between double quotes with escapes as in C when there is something in it that a line
/// cannot hold: control characters, double quotes, backslashes. `other_bytes`: those outside ASCII too, as
/// with core.quotePath, which is on unless somebody turned it off. `spaces`: quotes around those with a
/// space, where several paths share a line.
std::string quoted_path(std::string_view path, bool other_bytes = true, bool spaces = false);

} // namespace graftline::git
