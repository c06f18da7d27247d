/// A file descriptor with one owner.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace graftline {

/// Closes its descriptor when it goes; -1 is none.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& other) noexcept : fd_(other.release()) {}
    descriptor& operator=(descriptor&& other) noexcept;
    ~descriptor() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void reset() noexcept;

private:
    int fd_ = -1;
};

/// The same file as a descriptor that is none of 0 to 2 (a host may have closed those), so that putting a
/// child's three in place cannot overwrite it. None with errno when that fails.
descriptor above_standard(descriptor fd) noexcept;

/// Reads to the end of the file. False with errno when that fails, EFBIG when there is more than `limit`.
bool read_all(int fd, std::string& into, std::size_t limit);

/// Writes all of `bytes`, over short writes and EINTR. False with errno when that fails.
bool write_all(int fd, std::string_view bytes) noexcept;

} // namespace graftline
