#include "graftline/runtime/process/exit_status.hpp"

#include <sys/wait.h>

#include <csignal>
#include <cstring>

namespace graftline {

exit_status decode(int raw) noexcept
{
    if (WIFSIGNALED(raw)) return signaled{WTERMSIG(raw), bool(WCOREDUMP(raw))};
    return exited{WEXITSTATUS(raw)};
}

std::string signal_name(int signo)
{
    const char* name = sigabbrev_np(signo);
    return name ? "SIG" + std::string(name) : "signal " + std::to_string(signo);
}

std::string to_string(const exit_status& status)
{
    if (const auto* e = std::get_if<exited>(&status)) return "exit status " + std::to_string(e->code);
    const auto& s = std::get<signaled>(status);
    return "killed by " + signal_name(s.signo) + (s.core ? " (core dumped)" : "");
}

int shell_code(const exit_status& status) noexcept
{
    if (const auto* e = std::get_if<exited>(&status)) return e->code;
    return 128 + std::get<signaled>(status).signo;
}

} // namespace graftline
