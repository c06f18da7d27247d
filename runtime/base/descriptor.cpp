#include "graftline/runtime/base/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace graftline {

descriptor& descriptor::operator=(descriptor&& other) noexcept
{
    if (this != &other) {
        reset();
        fd_ = other.release();
    }
    return *this;
}

void descriptor::reset() noexcept
{
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

descriptor above_standard(descriptor fd) noexcept
{
    if (!fd || fd.get() > 2) return fd;
    return descriptor(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
}

bool write_all(int fd, std::string_view bytes) noexcept
{
    while (!bytes.empty()) {
        const auto n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

bool read_all(int fd, std::string& into, std::size_t limit)
{
    char chunk[16 * 1024];
    for (;;) {
        const auto n = ::read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return false;
        if (n == 0) return true;
        into.append(chunk, static_cast<std::size_t>(n));
        if (into.size() > limit) {
            errno = EFBIG;
            return false;
        }
    }
}

} // namespace graftline
