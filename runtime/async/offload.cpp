#include "graftline/runtime/async/offload.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/this_coro.hpp>

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <exception>
#include <thread>

namespace graftline {
namespace {

/// Threads inherit the mask of the one that starts them.
class all_signals_blocked {
public:
    all_signals_blocked() noexcept
    {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    all_signals_blocked(const all_signals_blocked&) = delete;
    all_signals_blocked& operator=(const all_signals_blocked&) = delete;
    ~all_signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_;
};

std::size_t thread_count()
{
    return std::clamp<std::size_t>(std::thread::hardware_concurrency(), 4, 16);
}

} // namespace

asio::execution_context::id blocking_pool::id;

blocking_pool::blocking_pool(asio::execution_context& context) : service(context)
{
    const all_signals_blocked while_threads_start;
    threads_.emplace(thread_count());
}

asio::any_io_executor blocking_pool::of(const asio::any_io_executor& executor)
{
    auto& context = asio::query(executor, asio::execution::context);
    return asio::use_service<blocking_pool>(context).threads_.value().get_executor();
}

void blocking_pool::shutdown()
{
    if (!threads_) return;
    threads_->stop();
    threads_->join();
    // Now, while the context's other services still live: coroutines that waited for a dropped job go with
    // it.
    threads_.reset();
}

namespace detail {
namespace {

awaitable<void> run_job(erased_job job, std::exception_ptr& failure)
{
    try {
        job.call(job.what);
    } catch (...) {
        failure = std::current_exception();
    }
    co_return;
}

} // namespace

awaitable<void> on_pool(erased_job job)
{
    std::exception_ptr failure;
    const auto pool = blocking_pool::of(co_await asio::this_coro::executor);
    // Without a slot: Asio 1.26 would post a raw pointer to the signal, which may be gone (asio #1332).
    co_await asio::co_spawn(pool, run_job(job, failure),
                            asio::bind_cancellation_slot(asio::cancellation_slot(), use_awaitable));
    if (failure) std::rethrow_exception(std::move(failure));
}

} // namespace detail

} // namespace graftline
