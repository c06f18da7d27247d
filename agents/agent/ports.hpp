/// Ports for agents that start servers, so that no two of them meet.
#pragma once

#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <set>

namespace graftline::agents {

inline constexpr int ports_in_block = 10;

/// Ten ports that are nobody else's while this lives: no graftline on this machine, in whatever repository
/// and of whatever user, reserves them meanwhile. They are free again when it goes, or when its process dies.
class port_block {
public:
    int first() const noexcept { return first_; }

private:
    friend result<port_block> reserve_ports(const std::set<int>& taken);
    friend port_block reserve_ports_at(int first);
    port_block(int first, descriptor mark) : first_(first), mark_(std::move(mark)) {}

    int first_;
    descriptor mark_; ///< an abstract socket of that name: machine-wide as ports are, and left by no crash
};

/// Ten ports that nobody listens on, on loopback, below the kernel's ephemeral range. `taken` are the first
/// ports of blocks that are given out already. Opens and closes sockets; does not block. Errors: busy, when
/// all are taken.
result<port_block> reserve_ports(const std::set<int>& taken);

/// Those that begin with `first`, for whoever has them already: an agent that outlived the process that
/// started it. Where another has reserved them meanwhile, nothing is.
port_block reserve_ports_at(int first);

} // namespace graftline::agents
