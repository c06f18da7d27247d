#include "graftline/runtime/process/held_by_pipe.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace graftline {

std::string held_by_pipe(int fd)
{
    int size = 0;
    if (::ioctl(fd, FIONREAD, &size) != 0 || size <= 0) return {};
    std::string bytes(static_cast<std::size_t>(size), '\0');
    const auto got = ::read(fd, bytes.data(), bytes.size());
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return bytes;
}

} // namespace graftline
