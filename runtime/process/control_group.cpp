#include "graftline/runtime/process/control_group.hpp"

#include "graftline/runtime/base/descriptor.hpp"

#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <sstream>

namespace graftline {
namespace {

namespace fs = std::filesystem;

bool write_file(const fs::path& file, const char* text) noexcept
{
    descriptor out(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    return out && write_all(out.get(), text);
}

// The folder of our own group. On a hybrid system version 2 has a mount of its own beside those of version 1.
std::optional<fs::path> own_group()
{
    fs::path mount, below;
    std::ifstream mounts("/proc/self/mounts");
    for (std::string line, device, where, kind; std::getline(mounts, line);) {
        std::istringstream(line) >> device >> where >> kind;
        if (kind == "cgroup2") mount = where;
    }
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        if (line.starts_with("0::/")) below = line.substr(4);
    }
    if (mount.empty()) return std::nullopt;
    return mount / below;
}

// A group can be removed when its last process is gone, which the kernel may see a moment after we do.
void remove_group(const fs::path& folder) noexcept
{
    for (int attempt = 0; attempt < 50; ++attempt) {
        if (::rmdir(folder.c_str()) == 0 || errno != EBUSY) return;
        descriptor events(::open((folder / "cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
        char seen[128]; // poll tells of changes after a read only
        if (::read(events.get(), seen, sizeof seen) < 0) return;
        pollfd changed{events.get(), POLLPRI, 0};
        ::poll(&changed, 1, 20);
    }
}

} // namespace

std::optional<fs::path> control_group::place(const std::string& name)
{
    const auto own = own_group();
    if (!own) return std::nullopt;
    return *own / name;
}

std::optional<control_group> control_group::make(const fs::path& folder)
{
    if (::mkdir(folder.c_str(), 0700) != 0) return std::nullopt;
    return control_group(folder);
}

control_group::~control_group()
{
    if (!folder_.empty()) remove_group(folder_);
}

pid_t control_group::fork() const noexcept
{
    descriptor into(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    clone_args how{};
    how.flags = CLONE_INTO_CGROUP;
    how.exit_signal = SIGCHLD;
    how.cgroup = static_cast<std::uint64_t>(into.get());
    const long pid = into ? ::syscall(SYS_clone3, &how, sizeof how) : -1;
    if (pid >= 0) return static_cast<pid_t>(pid);
    // Some containers hide clone3, and some groups may not be entered. Moving there is slow, and often not
    // allowed.
    const pid_t outside = ::fork();
    if (outside == 0) write_file(folder_ / "cgroup.procs", "0");
    return outside;
}

void control_group::kill() const noexcept
{
    write_file(folder_ / "cgroup.kill", "1");
}

void control_group::end(const fs::path& folder) noexcept
{
    write_file(folder / "cgroup.kill", "1");
    remove_group(folder);
}

} // namespace graftline
