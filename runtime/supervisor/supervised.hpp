/// An agent under its supervisor: started, adopted after a crash, waited for, ended. Live and adopted are one
/// path.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/clock.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/process_identity.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline {

/// One attempt to run an agent. Its folder is the attempt's own: lock, identity.json, exit.json, stdout.log,
/// stderr.log.
struct attempt_spec {
    attempt_spec(std::filesystem::path attempt_folder, std::vector<std::string> program_and_arguments)
        : folder(std::move(attempt_folder)), words(std::move(program_and_arguments))
    {
    }

    std::filesystem::path folder; ///< made, with mode 0700, if it is not there
    std::vector<std::string> words;
    std::filesystem::path cwd;            ///< working directory of the agent; empty is the attempt's folder
    std::vector<std::string> environment; ///< complete, each "NAME=value"
    std::optional<std::filesystem::path> standard_input; ///< a file; /dev/null without one
    std::optional<std::chrono::milliseconds> timeout;    ///< then TERM
    std::chrono::milliseconds grace{10'000};             ///< between TERM and KILL
    std::uint64_t log_limit = std::uint64_t{1} << 30;    ///< bytes, both logs together
    std::optional<std::uint64_t> open_files; ///< soft limit of the agent's; as ours was first without one
};

/// Why an attempt ended.
enum class ending {
    exited,
    signaled,
    timed_out,
    cancelled,
    log_limit,
    could_not_start,
    lost ///< the supervisor died without a record
};

std::string_view to_string(ending how) noexcept;

struct exit_record {
    ending how = ending::lost;
    int code = 0;  ///< of `exited`; else the agent's exit status if it had one
    int signo = 0; ///< the signal that ended the agent, 0 if none did
    std::string
        words; ///< for a person: "exit status 3", "could not start my-agent: No such file or directory"
    utc_time started_at{};
    utc_time ended_at{};
    std::string
        full_disk; ///< a folder of the agent's on a disk that was seen to be full meanwhile; empty: none
};

/// A supervisor that lives, ours or one found. Destroying the handle leaves the agent running.
/// Threads: one strand, the one it was started on.
class supervised {
public:
    /// Starts a supervisor, `supervisor_command` (for example {"/proc/self/exe", "supervise"}), and through
    /// it the agent. A program that cannot be started is not an error here: the attempt then ends with
    /// `could_not_start`. Errors: exists when the attempt was claimed before, busy when a supervisor lives
    /// there, no_space, or what the system said. Cancellation: terminal; what was started is killed, then
    /// operation_aborted.
    static awaitable<result<supervised>> start(std::vector<std::string> supervisor_command,
                                               attempt_spec spec);

    /// Finds the supervisor that lives in `attempt_folder`; none is a value. What a dead supervisor left
    /// running is ended.
    static awaitable<result<std::optional<supervised>>> adopt(std::filesystem::path attempt_folder);

    supervised(supervised&&) noexcept;
    supervised& operator=(supervised&&) noexcept;
    ~supervised();

    /// Waits for the end of the agent and of everything that it started. Learnt from the record only.
    /// Cancellation: terminal; the agent is left running. One wait at a time.
    awaitable<exit_record> wait();

    /// TERM to the agent's whole tree, KILL after the grace. Returns at once; `wait` says when it is over.
    void cancel() noexcept;
    /// KILL to the agent's whole tree, now.
    void kill() noexcept;

    const process_identity& identity() const noexcept;

private:
    class impl;
    explicit supervised(std::unique_ptr<impl> inside);
    std::unique_ptr<impl> inside_;
};

/// The end of an attempt, if it has one. A file that does not read back, as a power cut leaves it, counts as
/// gone, here and below. Errors: what the system said.
result<std::optional<exit_record>> read_exit_record(const std::filesystem::path& attempt_folder);

/// Who was, or is, the supervisor of an attempt; none if it was never claimed.
result<std::optional<process_identity>> read_identity(const std::filesystem::path& attempt_folder);

/// Ends gracefully whatever lives in an attempt's folder, from any process; nothing there is success. Returns
/// at once.
result<void> stop_attempt(const std::filesystem::path& attempt_folder);

} // namespace graftline
