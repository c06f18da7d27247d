/// Cleanup that a cancellation must not interrupt.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

namespace graftline {

/// Runs `job` on the caller's executor out of reach of the caller's cancellation, and waits for it. The
/// caller does not forget a cancellation that comes meanwhile: it throws at its next await, after `job` has
/// ended. A caller that may be cancelled already says `co_await asio::this_coro::throw_if_cancelled(false)`
/// before and sets it back afterwards: awaiting anything throws otherwise, this too. This is the one way to
/// put a cancellation off; reset_cancellation_state, which drops what comes meanwhile, is for runtime/ alone.
template <class T> awaitable<T> shielded(awaitable<T> job)
{
    co_return co_await asio::co_spawn(co_await asio::this_coro::executor, std::move(job),
                                      asio::bind_cancellation_slot(asio::cancellation_slot(), use_awaitable));
}

/// Makes the caller forget that it was cancelled: for one that learns from a record that it once did. It must
/// have said throw_if_cancelled(false).
inline awaitable<void> forget_cancellation()
{
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
}

} // namespace graftline
