/// Watching one agent until it and all that it started have ended.
#pragma once

#include "graftline/runtime/files/disk_watch.hpp"
#include "graftline/runtime/files/log_watch.hpp"
#include "graftline/runtime/process/exit_status.hpp"
#include "graftline/runtime/supervisor/agent_process.hpp"
#include "graftline/runtime/supervisor/claimed_attempt.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include <chrono>
#include <optional>

namespace graftline {

/// The loop of a supervisor: signals, the deadline, the log limit, a look at the disks each second. It sleeps
/// in poll(2) whenever nothing is due.
///
/// TERM cancels gracefully, QUIT kills at once. The agent's end is not the end: what is left of its tree gets
/// TERM, and KILL two seconds later. Threads: the process has one; all signals are blocked.
class supervision {
public:
    /// Borrows the spec and the claim.
    supervision(const attempt_spec& spec, const claimed_attempt& claimed, agent_files files);

    /// Starts the agent and gives its end.
    exit_record run();

private:
    using moment = std::chrono::steady_clock::time_point;

    exit_record never_started(std::string why) const;
    void reap();
    void begin_sweep();
    void stop(ending why, std::chrono::milliseconds grace);
    void do_what_is_due();
    void check_logs();
    void kill_all();
    void wait_for_news();
    void read_signals();
    exit_record summary() const;
    std::string words() const;

    const attempt_spec& spec_;
    const claimed_attempt& claimed_;
    agent_files files_;
    log_watch logs_;
    disk_watch disks_;
    descriptor signals_;
    std::optional<agent_process> agent_;
    std::optional<exit_status> status_; // of the agent, once it has ended
    std::optional<ending> reason_;      // why we ended it, if we did
    std::optional<moment> deadline_;
    std::optional<moment> kill_at_;
    std::optional<moment>
        give_up_at_; // what survives KILL (another user's process) must not hold us for ever
    bool tree_gone_ = false;
    bool gave_up_ = false;
};

} // namespace graftline
