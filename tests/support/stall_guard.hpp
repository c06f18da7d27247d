/// Notices what keeps an event loop from its other work.
#pragma once

#include <chrono>
#include <cstdint>

namespace graftline::test {

/// What one handler may take in `run_guarded` before that is a failure of the test: many times what any
/// needs, since sanitizers and slow disks are no fault.
inline std::chrono::milliseconds most_busy{1500}, most_blocked{3000};

/// Watches the thread that runs a loop, handler by handler. What counts is what the handler itself took: time
/// on a processor, or blocked in the kernel. Time in which the machine gave the thread no processor does not.
class stall_guard {
public:
    using milliseconds = std::chrono::milliseconds;

    stall_guard();
    stall_guard(const stall_guard&) = delete;
    stall_guard& operator=(const stall_guard&) = delete;

    /// A turn begins, which may wait as long as `waits` before its handler runs.
    void begin(milliseconds waits);
    void end();

    milliseconds longest_busy() const noexcept { return longest_busy_; }
    milliseconds longest_blocked() const noexcept { return longest_blocked_; }

private:
    struct times {
        std::chrono::nanoseconds busy{0}, queued{0};
        bool knows_queue = false; ///< the kernel tells how long the thread waited for a processor
    };
    static times read();

    using clock = std::chrono::steady_clock;
    times known_;
    clock::time_point known_at_, began_;
    milliseconds waits_{0};
    milliseconds longest_busy_{0}, longest_blocked_{0};
};

} // namespace graftline::test
