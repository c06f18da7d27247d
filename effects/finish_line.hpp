/// Where tasks wait for the end of those that they come after.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>

#include <map>
#include <string>

namespace graftline::effects {

/// Tasks cross it once. Used from one strand; outlives those who wait.
class finish_line {
public:
    explicit finish_line(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    /// A task that will cross: only such can be waited for.
    void expect(const std::string& task) { entries_.try_emplace(task, executor_); }
    void cross(const std::string& task)
    {
        auto& e = entries_.at(task);
        e.crossed = true;
        e.bell.cancel();
    }
    /// Returns at once for a task that is not expected. Cancellation: terminal.
    awaitable<void> wait_for(std::string task)
    {
        const auto found = entries_.find(task);
        if (found == entries_.end()) co_return;
        // The bell rings by cancelling the timer; a cancelled caller throws at its next turn of the loop.
        while (!found->second.crossed)
            co_await found->second.bell.async_wait(asio::as_tuple(use_awaitable));
    }

private:
    struct entry {
        explicit entry(const asio::any_io_executor& executor)
            : bell(executor, asio::steady_timer::time_point::max())
        {
        }
        asio::steady_timer bell;
        bool crossed = false;
    };
    asio::any_io_executor executor_;
    std::map<std::string, entry> entries_;
};

} // namespace graftline::effects
