/// How many files may be open.
#pragma once

#include <cstddef>

namespace graftline {

/// How many more descriptors this process may open: its soft limit (ulimit -n) less those that are open.
/// Reads /proc, a few small system calls.
std::size_t descriptors_left();

} // namespace graftline
