#include "graftline/runtime/async/scope.hpp"

#include "graftline/runtime/base/outcome.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/this_coro.hpp>

#include <cstdio>
#include <exception>
#include <list>
#include <utility>

namespace graftline {
namespace {

/// Whether a handler of the executor's context runs in this thread. False also when it cannot be known.
bool runs_here(const asio::any_io_executor& executor)
{
    using loop = asio::io_context::executor_type;
    if (const auto* plain = executor.target<loop>()) return plain->running_in_this_thread();
    if (const auto* strand = executor.target<asio::strand<loop>>()) return strand->running_in_this_thread();
    if (const auto* strand = executor.target<asio::strand<asio::any_io_executor>>())
        return strand->running_in_this_thread();
    return false;
}

/// Asio 1.26 awaits once more after a child that ended without a wait; in a child that was cancelled, by
/// itself even, that would throw out of the event loop. So a child ends out of reach of its cancellation.
awaitable<void> run_to_end(awaitable<void> child)
{
    std::exception_ptr failure;
    try {
        co_await std::move(child);
    } catch (...) {
        failure = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    if (failure) std::rethrow_exception(std::move(failure));
}

} // namespace

/// Shared with the completion handlers of the children: when a context is destroyed, parent and children go
/// in no particular order, and a child's slot must not outlive its signal.
class scope::state : public std::enable_shared_from_this<state> {
public:
    explicit state(asio::any_io_executor executor)
        : executor_(std::move(executor)), idle_(executor_, asio::steady_timer::time_point::max())
    {
    }

    void spawn(awaitable<void> child)
    {
        if (cancelled_) return;
        const auto self = children_.emplace(children_.end());
        ++running_;
        // A plain handler: its associated executor is the child's own, so that Asio emits to the child
        // directly.
        asio::co_spawn(executor_, run_to_end(std::move(child)),
                       asio::bind_cancellation_slot(self->stop.slot(), [inside = shared_from_this(),
                                                                        self](std::exception_ptr failure) {
                           inside->ended(self, std::move(failure));
                       }));
    }

    void cancel()
    {
        cancelled_ = true;
        ++emitting_;
        // Children that end meanwhile stay in the list until it is not walked any more.
        for (auto& child : children_)
            if (!child.ended) child.stop.emit(asio::cancellation_type::terminal);
        if (--emitting_ == 0) children_.remove_if([](const child& c) { return c.ended; });
    }

    auto wait_idle() { return idle_.async_wait(asio::as_tuple(use_awaitable)); }

    std::size_t running() const noexcept { return running_; }
    bool cancelled() const noexcept { return cancelled_; }
    std::exception_ptr take_failure() noexcept { return std::exchange(failure_, nullptr); }
    const asio::any_io_executor& executor() const noexcept { return executor_; }

private:
    struct child {
        asio::cancellation_signal stop;
        bool ended = false;
    };

    void ended(std::list<child>::iterator self, std::exception_ptr failure)
    {
        self->ended = true;
        if (emitting_ == 0) children_.erase(self);
        const bool proper = cancelled_ && parallel::is_aborted(failure);
        if (failure && !proper) {
            if (!failure_) failure_ = std::move(failure);
            cancel();
        }
        if (--running_ == 0) idle_.cancel();
    }

    asio::any_io_executor executor_;
    asio::steady_timer idle_; // never expires: it rings by being cancelled
    std::list<child> children_;
    std::size_t running_ = 0;
    int emitting_ = 0;
    bool cancelled_ = false;
    std::exception_ptr failure_;
};

scope::scope(asio::any_io_executor executor) : inside_(std::make_shared<state>(std::move(executor))) {}

scope::~scope()
{
    // A context that is being destroyed takes its coroutines along: nothing of it runs then.
    if (inside_->running() == 0 || !runs_here(inside_->executor())) return;
    std::fprintf(stderr, "graftline: a scope went while %zu of its children ran: join it first\n",
                 inside_->running());
    std::terminate();
}

void scope::spawn(awaitable<void> child)
{
    inside_->spawn(std::move(child));
}

void scope::cancel()
{
    inside_->cancel();
}

awaitable<void> scope::join()
{
    const auto inside = inside_;
    const bool heeds = co_await asio::this_coro::throw_if_cancelled();
    bool aborted = false;
    co_await asio::this_coro::throw_if_cancelled(false);
    for (;;) {
        const auto asked = (co_await asio::this_coro::cancellation_state).cancelled();
        if (heeds && !aborted && asked != asio::cancellation_type::none) {
            aborted = true;
            inside->cancel();
        }
        if (inside->running() == 0) break;
        co_await inside->wait_idle();
    }
    co_await asio::this_coro::throw_if_cancelled(heeds);
    if (aborted) throw boost::system::system_error(asio::error::operation_aborted);
    if (auto failure = inside->take_failure()) std::rethrow_exception(std::move(failure));
}

std::size_t scope::running() const noexcept
{
    return inside_->running();
}

bool scope::cancelled() const noexcept
{
    return inside_->cancelled();
}

} // namespace graftline
