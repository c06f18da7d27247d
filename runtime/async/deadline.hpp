/// A limit on how long something may take.
#pragma once

#include "graftline/runtime/async/scope.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/outcome.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace graftline {
namespace detail {

template <class T> struct timed {
    explicit timed(const asio::any_io_executor& executor) : both(executor) {}
    parallel::outcome<T> ended;
    bool late = false;
    scope both;
};

template <class T> awaitable<void> run_timed(timed<T>& race, awaitable<T> op)
{
    race.ended = co_await parallel::settle(std::move(op));
    race.both.cancel();
}

template <class T> awaitable<void> ring(timed<T>& race, std::chrono::steady_clock::duration limit)
{
    asio::steady_timer alarm(co_await asio::this_coro::executor, limit);
    co_await alarm.async_wait(use_awaitable);
    race.late = true;
    race.both.cancel();
}

/// What became of `op`, or nothing when it was cancelled for being late. What ended late, but with a value,
/// counts: nothing that was done is dropped.
template <class T>
awaitable<std::optional<parallel::outcome<T>>> settle_within(std::chrono::steady_clock::duration limit,
                                                             awaitable<T> op)
{
    timed<T> race(co_await asio::this_coro::executor);
    // The alarm first: an operation that ends at once finds it there to cancel.
    race.both.spawn(ring(race, limit));
    race.both.spawn(run_timed(race, std::move(op)));
    co_await race.both.join();
    if (race.late && parallel::is_aborted(race.ended.error())) co_return std::nullopt;
    co_return std::move(race.ended);
}

} // namespace detail

/// Awaits `op` for at most `limit`. Result: its value, or nothing when it was too late: it is then cancelled
/// and waited for. What `op` throws is rethrown. Cancellation: terminal; `op` is cancelled and waited for.
template <class T>
awaitable<std::optional<T>> within(std::chrono::steady_clock::duration limit, awaitable<T> op)
{
    auto ended = co_await detail::settle_within(limit, std::move(op));
    if (!ended) co_return std::nullopt;
    co_return std::move(*ended).value();
}

/// The same for what has no value: whether it ended in time.
inline awaitable<bool> within(std::chrono::steady_clock::duration limit, awaitable<void> op)
{
    auto ended = co_await detail::settle_within(limit, std::move(op));
    if (ended) ended->value();
    co_return ended.has_value();
}

} // namespace graftline
