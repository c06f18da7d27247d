/// What time it is, and waiting for a time.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline {

/// The time of day, for records: UTC, in milliseconds.
using utc_time = std::chrono::sys_time<std::chrono::milliseconds>;
/// For deadlines: never set back.
using steady_time = std::chrono::steady_clock::time_point;

/// A source of time. Outlives those who wait for it.
class clock {
public:
    virtual ~clock() = default;
    virtual utc_time now() const = 0;
    virtual steady_time steady_now() const = 0;
    /// Returns at once when `when` has passed. Cancellation: terminal; operation_aborted.
    virtual awaitable<void> wait_until(steady_time when) = 0;
    awaitable<void> wait_for(std::chrono::milliseconds span) { return wait_until(steady_now() + span); }
};

/// The machine's.
clock& real_clock();

/// Stands still until it is moved, for tests. Threads: one strand.
class manual_clock : public clock {
public:
    explicit manual_clock(utc_time start = utc_time{}) : now_(start) {}

    utc_time now() const override { return now_; }
    steady_time steady_now() const override { return steady_; }
    awaitable<void> wait_until(steady_time when) override;

    /// Moves on, and wakes those whose time has come.
    void advance(std::chrono::milliseconds span);

private:
    utc_time now_;
    steady_time steady_{};
    std::size_t moves_ = 0;
    std::vector<asio::steady_timer*> bells_;
};

/// "2026-01-02T03:04:05.678Z".
std::string to_iso8601(utc_time when);

/// Reads that form, with or without a fraction of 1 to 9 digits (cut to milliseconds). None for anything
/// else.
std::optional<utc_time> from_iso8601(std::string_view text);

} // namespace graftline
