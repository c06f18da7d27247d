/// Ctrl-C and its kin: the first asks, the second does not wait.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <memory>

namespace graftline {
class running_children;
}

namespace graftline::cli {

/// Listens to INT, TERM and HUP on the loop, for as long as it lives.
class interruption {
public:
    explicit interruption(asio::io_context& loop);
    interruption(const interruption&) = delete;
    interruption& operator=(const interruption&) = delete;

    /// What the first signal does, beside seeing that no command of ours outlasts it for long: what may not
    /// be interrupted gets a few seconds. What it did before `on_first` was set is not made up for.
    std::function<void()> on_first;
    /// What the second does, beside killing every command of ours with its tree; the process ends shortly
    /// afterwards, whatever that comes to. The third ends it at once.
    std::function<void()> on_second;

    bool happened() const noexcept { return count_ > 0; }
    /// Listens no more, so that the loop can run out of work.
    void end();

private:
    void listen();

    asio::signal_set signals_;
    asio::steady_timer last_patience_;
    std::shared_ptr<running_children> children_;
    int count_ = 0;
};

} // namespace graftline::cli
