#include "graftline/runtime/files/disk_probe.hpp"

#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/base/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace graftline {
namespace {

/// More than what a file system keeps back for a file's first bytes.
constexpr std::size_t enough = 64 * 1024;

result<void> try_writing_here(const std::filesystem::path& folder, probe how)
{
    const descriptor file(::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600));
    const bool says_nothing = !file && (errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT ||
                                        errno == ENOTDIR || errno == EINVAL);
    if (says_nothing) return {};
    if (!file || !write_all(file.get(), std::string(enough, '\0')) ||
        (how == probe::flushed && ::fdatasync(file.get()) != 0))
        return system_fault(errno, "files cannot be written in " + folder.string());
    return {};
}

} // namespace

awaitable<result<void>> try_writing(std::vector<std::filesystem::path> folders, probe how)
{
    auto job = [folders = std::move(folders), how]() -> result<void> {
        for (const auto& folder : folders)
            if (auto written = try_writing_here(folder, how); !written) return written;
        return {};
    };
    co_return co_await offload(std::move(job));
}

} // namespace graftline
