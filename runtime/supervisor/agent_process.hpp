/// The agent itself, as its supervisor starts it.
#pragma once

#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/control_group.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include <sys/types.h>

#include <optional>
#include <string>

namespace graftline {

/// The files that an agent has as its standard input, output and error.
struct agent_files {
    descriptor in, out, err;

    /// Opens the logs for appending, mode 0600. Errors: what the system said; the fault names the file.
    static result<agent_files> open(const attempt_spec& spec);

    /// Bytes in both logs.
    std::uint64_t logged() const noexcept;
};

/// A forked child on its way to becoming the agent. It gets KILL when the supervisor dies.
class agent_process {
public:
    /// Forks; needs a process of one thread. Errors: what fork(2) said.
    static result<agent_process> start(const attempt_spec& spec, const agent_files& files,
                                       const control_group* group, const std::string& token);

    pid_t pid() const noexcept { return pid_; }

    /// Why it never became the agent: "could not start my-agent: No such file or directory". Ask after its
    /// end only.
    std::optional<std::string> failure() const;

private:
    agent_process(pid_t pid, descriptor report, std::string program, std::string cwd)
        : pid_(pid), report_(std::move(report)), program_(std::move(program)), cwd_(std::move(cwd))
    {
    }

    pid_t pid_;
    descriptor report_;
    std::string program_;
    std::string cwd_;
};

} // namespace graftline
