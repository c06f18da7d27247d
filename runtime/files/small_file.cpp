#include "graftline/runtime/files/small_file.hpp"

#include "graftline/runtime/base/descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace graftline {

result<std::optional<std::string>> read_small_file(const std::filesystem::path& file, std::size_t limit)
{
    const descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    if (!opened && (errno == ENOENT || errno == ENOTDIR)) return std::optional<std::string>();
    if (!opened && errno == ENXIO)
        return fault(errc::corrupt, "this is a socket, not a file: " + file.string());
    struct stat about{};
    if (!opened || ::fstat(opened.get(), &about) != 0)
        return system_fault(errno, "cannot read " + file.string());
    if (!S_ISREG(about.st_mode))
        return fault(errc::corrupt, std::string("this is ") + kind_of_file(about.st_mode) +
                                        ", not a file: " + file.string());
    std::string text;
    text.reserve(std::min(static_cast<std::size_t>(about.st_size), limit));
    if (!read_all(opened.get(), text, limit)) return system_fault(errno, "cannot read " + file.string());
    return std::optional(std::move(text));
}

const char* kind_of_file(mode_t mode)
{
    if (S_ISREG(mode)) return "a file";
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISLNK(mode)) return "a link";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

} // namespace graftline
