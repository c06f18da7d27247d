/// Children that end before their parent does.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>

namespace graftline {

/// Owns coroutines that run beside the one that made it. Must be joined before it goes; a scope that goes
/// with children still running ends the program with a message, because they may refer to what goes with it.
/// (When the whole context is destroyed, its children are too, and nothing is said.) Threads: one strand,
/// that of `executor`.
class scope {
public:
    explicit scope(asio::any_io_executor executor);
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;
    ~scope();

    /// Starts `child`; it runs at once, up to its first wait. A child that throws cancels its siblings, and
    /// `join` rethrows what the first one threw. operation_aborted of a cancelled child is its proper end,
    /// not a failure. After `cancel`, a child never begins.
    void spawn(awaitable<void> child);

    /// Cancels all children (terminal). Returns at once; `join` waits.
    void cancel();

    /// Waits until no child is left, then rethrows the first failure.
    /// Cancellation: terminal; the children are cancelled and waited for, then operation_aborted. A caller
    /// that said throw_if_cancelled(false), for its cleanup, is not disturbed.
    awaitable<void> join();

    std::size_t running() const noexcept;
    bool cancelled() const noexcept;

private:
    class state;
    std::shared_ptr<state> inside_;
};

} // namespace graftline
