/// Blocking work that ends early when its caller is cancelled.
#pragma once

#include "graftline/runtime/async/offload.hpp"

#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>

#include <atomic>

namespace graftline {

/// As `offload`, for a long job that looks now and then at whether it should stop: `job(stop)`, where `stop`
/// becomes true when the caller is cancelled. What it returns then is given; the caller notices at its next
/// await. Lifetime and threads: as `offload`.
template <class F> awaitable<std::invoke_result_t<F&, const std::atomic<bool>&>> offload_stoppable(F job)
{
    std::atomic<bool> stop{false};
    auto slot = (co_await asio::this_coro::cancellation_state).slot();
    if (slot.is_connected()) slot.assign([&stop](asio::cancellation_type) { stop = true; });
    auto stoppable = [&] { return job(stop); };
    co_return co_await offload(std::move(stoppable)); // its end clears the slot
}

} // namespace graftline
