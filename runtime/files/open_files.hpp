/// How many files this process may have open.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

namespace graftline {

/// Raises the soft limit to the hard one, up to 65,536: each agent that runs costs a few descriptors, and the
/// usual limit of 1,024 would end at some 250 of them. For programs: a library leaves its host's limits
/// alone.
void allow_more_open_files() noexcept;

/// The soft limit as it was before that; none when it was not raised. Agents get it back.
std::optional<std::uint64_t> usual_open_files() noexcept;

/// Sets the soft limit, in a child that is about to become another program.
void limit_open_files(std::uint64_t soft) noexcept;

/// How many more descriptors this process may open: its soft limit (ulimit -n) less those that are open.
/// Reads /proc, a few small system calls.
std::size_t descriptors_left();

} // namespace graftline
