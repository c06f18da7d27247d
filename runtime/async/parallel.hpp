/// The ways to fan out: all, map, race.
#pragma once

#include "graftline/runtime/async/scope.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/outcome.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

/// Children run on the caller's executor and end before the combinator does. Cancellation of all three:
/// terminal; the children are cancelled and waited for, then operation_aborted is thrown, whatever they gave.
namespace graftline::parallel {

/// How to fan out. Not an aggregate: `options().limit(5).fail_fast()`.
class options {
public:
    options() {}
    /// At most this many children at once; 0 is no limit.
    options& limit(std::size_t most)
    {
        limit_ = most;
        return *this;
    }
    /// The first child that throws cancels the others; those that had not begun never do.
    options& fail_fast(bool on = true)
    {
        fail_fast_ = on;
        return *this;
    }

    std::size_t most_at_once() const noexcept { return limit_; }
    bool fails_fast() const noexcept { return fail_fast_; }

private:
    std::size_t limit_ = 0;
    bool fail_fast_ = false;
};

namespace detail {

template <class F, class T> using made_by = typename std::invoke_result_t<F&, T>::value_type;

/// What the workers of one `map` share; lives in its frame, which outlives them.
template <class T, class F, class R> struct mapping {
    std::vector<T> items;
    F make;
    bool fail_fast;
    std::vector<outcome<R>> outcomes;
    std::size_t next = 0;
};

/// Takes items until there are none.
template <class T, class F, class R> awaitable<void> work(mapping<T, F, R>& all, scope& workers)
{
    while (!workers.cancelled() && all.next < all.items.size()) {
        const std::size_t mine = all.next++;
        all.outcomes[mine] = co_await settle(all.make(std::move(all.items[mine])));
        if (all.fail_fast && !all.outcomes[mine].has_value()) workers.cancel();
        // What one child said of its cancellation must not hold for the next.
        co_await asio::this_coro::reset_cancellation_state();
        co_await asio::this_coro::throw_if_cancelled(true);
    }
}

} // namespace detail

/// Makes a child of each item, `make(item)`, and settles all. Result: one outcome an item, in the order of
/// the items; a child that never began has the error operation_aborted. Lifetime: `make` is moved into the
/// coroutine and lives until all children have ended; what it refers to is the caller's care. A child is made
/// when there is room for it, so that one that waits costs no more than its item.
template <class T, class F, class R = detail::made_by<F, T>>
awaitable<std::vector<outcome<R>>> map(std::vector<T> items, F make, options how = options())
{
    const auto count = items.size();
    detail::mapping<T, F, R> all{std::move(items), std::move(make), how.fails_fast(),
                                 std::vector<outcome<R>>(count)};
    scope workers(co_await asio::this_coro::executor);
    const auto places = how.most_at_once() == 0 ? count : std::min(how.most_at_once(), count);
    for (std::size_t i = 0; i < places; ++i)
        workers.spawn(detail::work(all, workers));
    co_await workers.join();
    co_return std::move(all.outcomes);
}

/// Runs all of `children`; the rest is as for `map`.
template <class R>
awaitable<std::vector<outcome<R>>> all(std::vector<awaitable<R>> children, options how = options())
{
    auto as_it_is = [](awaitable<R> child) { return child; };
    co_return co_await map(std::move(children), as_it_is, how);
}

namespace detail {

template <class R> struct racing {
    explicit racing(const asio::any_io_executor& executor) : runners(executor) {}
    std::optional<std::size_t> winner;
    outcome<R> won;
    scope runners;
};

template <class R> awaitable<void> run_race(racing<R>& track, awaitable<R> child, std::size_t number)
{
    auto ended = co_await settle(std::move(child));
    if (track.winner) co_return;
    track.winner = number;
    track.won = std::move(ended);
    track.runners.cancel();
}

/// The winner's number and how it ended.
template <class R> awaitable<std::pair<std::size_t, outcome<R>>> first_of(std::vector<awaitable<R>> children)
{
    if (children.empty()) throw std::invalid_argument("race: nobody runs");
    racing<R> track(co_await asio::this_coro::executor);
    for (std::size_t i = 0; i < children.size(); ++i)
        track.runners.spawn(run_race(track, std::move(children[i]), i));
    co_await track.runners.join();
    co_return std::pair(*track.winner, std::move(track.won));
}

} // namespace detail

/// The first child to end wins, also by throwing, which is rethrown. The others are cancelled and waited for;
/// what they give is dropped. Result: the winner's number and value. Errors: std::invalid_argument without
/// children.
template <class R> awaitable<std::pair<std::size_t, R>> race(std::vector<awaitable<R>> children)
{
    auto first = co_await detail::first_of(std::move(children));
    co_return std::pair<std::size_t, R>(first.first, std::move(first.second).value());
}

/// The same of children without a value: the winner's number.
inline awaitable<std::size_t> race(std::vector<awaitable<void>> children)
{
    auto first = co_await detail::first_of(std::move(children));
    first.second.value();
    co_return first.first;
}

} // namespace graftline::parallel
