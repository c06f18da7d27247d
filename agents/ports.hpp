/// Ports for agents that start servers, so that no two of them meet.
#pragma once

#include "graftline/runtime/fault.hpp"

#include <set>

namespace graftline::agents {

inline constexpr int ports_in_block = 10;

/// The first port of ten that nobody listens on, on loopback, below the kernel's ephemeral range. `taken` are
/// the first ports of blocks that are given out already. Opens and closes sockets; does not block. Errors:
/// busy, when all are taken.
result<int> free_port_block(const std::set<int>& taken);

} // namespace graftline::agents
