/// Cleanup that a cancellation must not interrupt.
#pragma once

#include "graftline/runtime/awaitable.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>

namespace graftline {

/// Runs `job` on the caller's executor out of reach of the caller's cancellation, and waits for it. A caller
/// that is cancelled already must say `co_await asio::this_coro::throw_if_cancelled(false)` before: awaiting
/// anything throws otherwise, this too.
template <class T> awaitable<T> shielded(awaitable<T> job)
{
    co_return co_await asio::co_spawn(co_await asio::this_coro::executor, std::move(job),
                                      asio::bind_cancellation_slot(asio::cancellation_slot(), use_awaitable));
}

} // namespace graftline
