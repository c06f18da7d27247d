#include "graftline/cli/session/kill_now.hpp"

#include "graftline/runtime/supervisor/supervised.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <csignal>

namespace graftline::cli {
namespace {

void kill_attempt(const std::filesystem::path& folder)
{
    const auto identity = read_identity(folder);
    if (!identity || !*identity) return;
    // By descriptor, and only then looked at: a pid that was reused meanwhile is not ours to signal.
    const int process = static_cast<int>(::syscall(SYS_pidfd_open, (*identity)->pid, 0));
    if (process < 0) return;
    if (is_alive(**identity)) ::syscall(SYS_pidfd_send_signal, process, SIGQUIT, nullptr, 0);
    ::close(process);
}

} // namespace

void kill_attempts(const std::filesystem::path& folder) noexcept
try {
    std::error_code failed;
    for (std::filesystem::directory_iterator at(folder, failed), end; !failed && at != end;
         at.increment(failed))
        if (at->is_directory(failed)) kill_attempt(at->path());
} catch (...) {
    return; // out of memory: the process ends in a moment anyway
}

} // namespace graftline::cli
