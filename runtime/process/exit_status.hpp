/// How a process ended, as a closed sum: `exit 9` and SIGKILL are not the same thing.
#pragma once

#include <string>
#include <variant>

namespace graftline {

struct exited {
    int code;
    bool operator==(const exited&) const = default;
};

struct signaled {
    int signo;
    bool core; ///< a core file was written
    bool operator==(const signaled&) const = default;
};

using exit_status = std::variant<exited, signaled>;

/// From the status word of waitpid(2).
exit_status decode(int raw) noexcept;

/// For a person: "exit status 3", "killed by SIGKILL", "killed by SIGSEGV (core dumped)".
std::string to_string(const exit_status& status);

/// "SIGTERM" for 15; "signal 99" for what has no name.
std::string signal_name(int signo);

/// What a shell would say: the code itself, or 128 + the signal.
int shell_code(const exit_status& status) noexcept;

} // namespace graftline
