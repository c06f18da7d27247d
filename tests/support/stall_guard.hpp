/// Notices what keeps an event loop from its other work.
#pragma once

#include <chrono>

namespace graftline::test {

/// What one handler may take in `run_guarded` before that is a failure of the test: many times what any
/// needs. Under a sanitizer all of it takes several times as long.
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
inline std::chrono::milliseconds most_busy{6000};
#else
inline std::chrono::milliseconds most_busy{1500};
#endif

/// Watches the thread that runs a loop, handler by handler. What counts is the time on a processor that the
/// handler took, in the program or in the kernel. Time in which it waited, for a processor or a disk, does
/// not: that is as long as the machine is loaded, and no verdict may depend on it.
class stall_guard {
public:
    using milliseconds = std::chrono::milliseconds;

    stall_guard();
    stall_guard(const stall_guard&) = delete;
    stall_guard& operator=(const stall_guard&) = delete;

    /// Around each handler.
    void begin();
    void end();

    milliseconds longest_busy() const noexcept { return longest_busy_; }

private:
    using clock = std::chrono::steady_clock;
    std::chrono::nanoseconds busy_; ///< of the thread, when it was last asked
    clock::time_point asked_, began_;
    milliseconds longest_busy_{0};
};

} // namespace graftline::test
