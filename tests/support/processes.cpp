#include "tests/support/processes.hpp"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>
#include <sstream>

namespace graftline::test {

namespace fs = std::filesystem;

std::size_t open_descriptors()
{
    return static_cast<std::size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {}));
}

bool has_no_children()
{
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

bool is_running(pid_t pid)
{
    const auto stat = contents_of("/proc/" + std::to_string(pid) + "/stat");
    const auto name_end = stat.rfind(") ");
    return name_end != std::string::npos && stat[name_end + 2] != 'Z';
}

std::size_t running_with(const std::string& mark)
{
    std::size_t found = 0;
    std::error_code ignored;
    for (const auto& process : fs::directory_iterator("/proc", ignored)) {
        const auto name = process.path().filename().string();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        if (std::stol(name) == ::getpid()) continue;
        const auto folder = process.path();
        const bool marked = contents_of(folder / "environ").find(mark) != std::string::npos ||
                            contents_of(folder / "cmdline").find(mark) != std::string::npos;
        if (marked && is_running(static_cast<pid_t>(std::stol(name)))) ++found;
    }
    return found;
}

bool soon(const std::function<bool()>& what, std::chrono::milliseconds limit)
{
    const auto end = std::chrono::steady_clock::now() + limit;
    while (!what()) {
        if (std::chrono::steady_clock::now() > end) return false;
        ::poll(nullptr, 0, 5);
    }
    return true;
}

std::string contents_of(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    std::ostringstream all;
    if (in) all << in.rdbuf();
    return all.str();
}

} // namespace graftline::test
