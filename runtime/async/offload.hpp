/// Blocking work, off the loop.
#pragma once

#include "graftline/runtime/async/semaphore.hpp"
#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace graftline {

/// The threads that may block: 4 to 16 by the number of cores, one pool a context, made at the first use.
/// They block all signals, so that a host's handlers run on the host's threads.
///
/// It ends with its context: jobs that run are waited for, jobs that have not begun are dropped together with
/// the coroutines that wait for them.
class blocking_pool : public asio::execution_context::service {
public:
    using key_type = blocking_pool;
    static asio::execution_context::id id;

    explicit blocking_pool(asio::execution_context& context);

    /// The pool of the context that `executor` runs on. Throws std::system_error when no thread can be
    /// started.
    static asio::any_io_executor of(const asio::any_io_executor& executor);

private:
    void shutdown() override;

    std::optional<asio::thread_pool> threads_;
};

namespace detail {

template <class T> using job_value = std::optional<std::conditional_t<std::is_void_v<T>, std::monostate, T>>;

/// A job whose type is not to be known: `call(what)`.
struct erased_job {
    void* what;
    void (*call)(void*);
};

/// Runs `job` on the pool; throws what it throws. All that it refers to is in the frame of `offload`. One for
/// all jobs: what Asio needs for it is compiled once.
awaitable<void> on_pool(erased_job job);

} // namespace detail

/// Runs `job` on a thread that may block, and resumes on the caller's executor. `job` is moved into the
/// coroutine. Result: what `job` returns; what it throws is rethrown here. Cancellation: a job that began is
/// never abandoned, it finishes first and its result is given; the caller notices at its next await. Threads:
/// what `job` refers to is used by its thread alone meanwhile.
template <class F> awaitable<std::invoke_result_t<F&>> offload(F job)
{
    using value_type = std::invoke_result_t<F&>;
    detail::job_value<value_type> value;
    auto keep = [&] {
        if constexpr (std::is_void_v<value_type>)
            job();
        else
            value.emplace(job());
    };
    co_await detail::on_pool({&keep, [](void* what) { (*static_cast<decltype(keep)*>(what))(); }});
    if constexpr (!std::is_void_v<value_type>) co_return std::move(*value);
}

/// Blocking jobs that exclude each other: one at a time, in the order of their calls. For what one thread may
/// use at a time: a database, a libgit2 handle. Threads: `run` is called on one strand, that of `loop`.
class lane {
public:
    explicit lane(asio::any_io_executor loop) : turn_(std::move(loop), 1) {}

    /// As `offload`. Cancellation: a job that waits for its turn is given up, with operation_aborted.
    /// Lifetime: the lane may go while jobs run.
    template <class F> awaitable<std::invoke_result_t<F&>> run(F job)
    {
        const semaphore::lease mine = co_await turn_.acquire();
        co_return co_await offload(std::move(job));
    }

private:
    semaphore turn_;
};

} // namespace graftline
