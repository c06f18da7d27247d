#include "graftline/runtime/files/disk_flush.hpp"

#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/base/descriptor.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace graftline {
namespace {

namespace fs = std::filesystem;

fault not_flushed(int why, const fs::path& what)
{
    return system_fault(why, "could not be brought to the disk: " + what.string());
}

result<void> flush_file_system(fs::path place)
{
    descriptor opened(::open(place.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    while (!opened && errno == ENOENT && place.has_relative_path()) { // removed since: its folder is there
        place = place.parent_path();
        opened = descriptor(::open(place.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    }
    if (opened && ::syncfs(opened.get()) == 0) return {};
    return not_flushed(errno, place);
}

/// Which paths lie on which device; the first of each stands for it.
std::map<std::uint64_t, fs::path> devices_of(const std::vector<fs::path>& paths)
{
    std::map<std::uint64_t, fs::path> devices;
    struct stat info{};
    for (const fs::path& path : paths)
        if (!path.empty() && ::stat(path.c_str(), &info) == 0) devices.emplace(info.st_dev, path);
    return devices;
}

} // namespace

result<void> flush_file(const fs::path& file)
{
    const descriptor opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    if (!opened && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return {};
    if (!opened) return not_flushed(errno, file);
    // EINVAL: a pipe or another file that no disk holds.
    if (::fsync(opened.get()) == 0 || errno == EINVAL) return {};
    return not_flushed(errno, file);
}

awaitable<result<void>> flush_files(std::vector<fs::path> files)
{
    auto flush = [](fs::path file) -> awaitable<result<void>> {
        auto job = [file = std::move(file)] { return flush_file(file); };
        co_return co_await offload(std::move(job));
    };
    auto done = co_await parallel::map(std::move(files), flush);
    for (auto& one : done)
        if (const auto& said = one.value(); !said) co_return said.error();
    co_return result<void>();
}

awaitable<result<void>> file_system_flush::wait(std::vector<fs::path> paths)
{
    auto looking = [paths = std::move(paths)] { return devices_of(paths); };
    const auto devices = co_await offload(std::move(looking));
    std::vector<awaitable<result<void>>> waits;
    for (const auto& [device, place] : devices) {
        auto& one = file_systems_[device];
        if (!one) one = std::make_unique<file_system>(executor_, place);
        one->place = place; // the one before may be gone
        waits.push_back(wait_for(*one));
    }
    auto done = co_await parallel::all(std::move(waits));
    for (auto& one : done)
        if (const auto& said = one.value(); !said) co_return said.error();
    co_return result<void>();
}

awaitable<result<void>> file_system_flush::wait_for(file_system& one)
{
    const std::uint64_t mine = ++one.asked;
    const semaphore::lease turn = co_await one.turn.acquire();
    if (one.answered >= mine) co_return one.last;
    const std::uint64_t covers = one.asked;
    auto job = [place = one.place] { return flush_file_system(place); };
    one.last = co_await offload(std::move(job));
    one.answered = covers;
    co_return one.last;
}

} // namespace graftline
