#include "graftline/agents/agent/ports.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <string>

namespace graftline::agents {
namespace {

constexpr int lowest = 20000, highest = 32000; // Linux gives out ports of its own from 32768 on

/// Can somebody listen at this address? False also when the machine does not have its family.
template <class Address> bool can_bind(int family, Address address)
{
    const int s = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s < 0) return false;
    const int yes = 1; // as servers do: a connection that lingers is no obstacle
    ::setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    const bool bound = ::bind(s, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(s);
    return bound;
}

bool has_ipv6_loopback()
{
    sockaddr_in6 any_port{};
    any_port.sin6_family = AF_INET6;
    any_port.sin6_addr = in6addr_loopback;
    return can_bind(AF_INET6, any_port);
}

bool is_free(int port, bool ipv6)
{
    sockaddr_in four{};
    four.sin_family = AF_INET;
    four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    four.sin_port = htons(static_cast<std::uint16_t>(port));
    if (!can_bind(AF_INET, four)) return false;
    if (!ipv6) return true;
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    six.sin6_addr = in6addr_loopback;
    six.sin6_port = htons(static_cast<std::uint16_t>(port));
    return can_bind(AF_INET6, six);
}

bool is_free_block(int first, bool ipv6)
{
    for (int port = first; port < first + ports_in_block; ++port)
        if (!is_free(port, ipv6)) return false;
    return true;
}

/// None, with errno, when another has it.
descriptor mark_of(int first)
{
    descriptor mark(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!mark) return mark;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = "graftline-ports-" + std::to_string(first);
    std::ranges::copy(name, address.sun_path + 1); // a NUL before it: in no file system
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(mark.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0) return mark;
    const int why = errno;
    mark.reset();
    errno = why;
    return mark;
}

} // namespace

result<port_block> reserve_ports(const std::set<int>& taken)
{
    const bool ipv6 = has_ipv6_loopback();
    for (int first = lowest; first < highest; first += ports_in_block) {
        if (taken.contains(first)) continue;
        auto mark = mark_of(first);
        if (!mark && errno == EADDRINUSE) continue; // without such sockets ports are looked at only
        if (is_free_block(first, ipv6)) return port_block(first, std::move(mark));
    }
    return fault(errc::busy, "all blocks of ten ports from 20000 to 32000 are in use")
        .advise("Let fewer agents run at once, or end what listens there; then: graftline retry");
}

port_block reserve_ports_at(int first)
{
    return port_block(first, mark_of(first));
}

} // namespace graftline::agents
