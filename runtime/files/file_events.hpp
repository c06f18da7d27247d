/// News of files, from one inotify instance for each execution context.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>

namespace graftline::file_events {

class hub;

/// One announcement of one change. Watches last while their ticket lives, and are spent by the first change.
class ticket {
public:
    static constexpr std::chrono::milliseconds for_ever = std::chrono::milliseconds::max();

    ticket(asio::any_io_executor executor, std::shared_ptr<hub> from);
    ~ticket();
    ticket(const ticket&) = delete;
    ticket& operator=(const ticket&) = delete;

    /// False where no change will be announced: inotify is not to be had, or the path is gone.
    bool works() const noexcept { return watch_ >= 0; }

    /// Waits for the change, at most `limit`. Cancellation: terminal; operation_aborted. Threads: the
    /// executor's.
    awaitable<void> wait(std::chrono::milliseconds limit);

    /// As if the change had come. Threads: the executor's.
    void wake();

private:
    friend class hub;
    std::shared_ptr<hub> hub_;
    asio::steady_timer bell_;
    int watch_ = -1;
    bool rung_ = false;
};

/// Watches a file for growth, a folder for new entries. Never fails: see `works`.
std::shared_ptr<ticket> watch(const asio::any_io_executor& executor, const std::filesystem::path& path);

} // namespace graftline::file_events
