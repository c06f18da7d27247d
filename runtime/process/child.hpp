/// A child process: started with nothing of ours in it, reaped exactly once, by its pidfd.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/exit_status.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace graftline {

class running_children;

/// What to start and how. Descriptors are borrowed for the call; -1 is /dev/null.
struct launch {
    std::vector<std::string> words;       ///< the program (looked up in our PATH) and its arguments
    std::vector<std::string> environment; ///< complete, each "NAME=value"
    std::filesystem::path folder;         ///< working directory; empty is ours
    int in = -1;
    int out = -1;
    int err = -1;
    bool own_session = false; ///< a session of its own; else only a process group of its own
};

/// Our own environment, each "NAME=value".
std::vector<std::string> current_environment();

/// Starts it: own process group, no terminal, default signal handlers, empty signal mask, only descriptors 0
/// to 2.
/// Errors: could_not_start, which names the program and why.
result<pid_t> spawn(const launch& how);

/// Owns a child from its start to its reaping. Neither copied nor moved: a wait refers to it.
///
/// Signals reach the group, and only while the leader is not reaped, so that a reused pid is never hit. The
/// destructor kills the group and reaps the leader, which blocks for the moment that SIGKILL takes; whoever
/// can wait does so. Threads: one strand, that of `executor`.
class child {
public:
    /// Errors: could_not_start, which names the program; interrupted when our program is ending
    /// (running_children.hpp).
    static result<std::unique_ptr<child>> start(const asio::any_io_executor& executor, const launch& how);

    child(const child&) = delete;
    child& operator=(const child&) = delete;
    ~child();

    /// Waits for the leader's end, ends what is left of its group, and reaps it. Later calls give the same
    /// answer. Cancellation: terminal; the child is left running. Throws fault_error if the host program took
    /// the exit status away (it ignores SIGCHLD, or waits for every child).
    awaitable<exit_status> wait();

    /// Waits for the leader's end only: it stays a zombie and its group can be signalled. Cancellation as
    /// `wait`.
    awaitable<void> ended();

    /// TERM to the whole tree, KILL after `grace`, then as `wait`. Not cancellable: it is what cancelling
    /// ends with.
    awaitable<exit_status> stop(std::chrono::milliseconds grace);

    /// Reaps a leader that has `ended`. Throws as `wait`.
    exit_status reap();

    /// To the whole group; nothing once it is reaped.
    void signal(int signo) noexcept;

    /// To the group, and to descendants that have left it. Those who get it are killed with the leader's end
    /// at the latest.
    void signal_tree(int signo) noexcept;

    pid_t pid() const noexcept { return pid_; }

    /// Blocks until the leader has ended or `limit` has passed. For destructors, which cannot wait otherwise.
    bool ended_within(std::chrono::milliseconds limit) noexcept;

private:
    child(const asio::any_io_executor& executor, pid_t pid, int pidfd);
    void hold_strays();

    asio::posix::stream_descriptor pidfd_;
    pid_t pid_;
    std::optional<exit_status> status_;
    bool gone_ = false;                  // reaped, by us or by somebody else
    std::map<pid_t, descriptor> strays_; // descendants outside the group, once the tree was signalled
    std::shared_ptr<running_children> among_;
};

} // namespace graftline
