#include "graftline/runtime/async/stoppable_job.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/support/hang_guard.hpp"
#include <gtest/gtest.h>

#include <thread>

namespace graftline {
namespace {

/// Works until it is told to stop.
int work_on(const std::atomic<bool>& stop)
{
    int rounds = 1;
    while (!stop) {
        std::this_thread::yield();
        ++rounds;
    }
    return rounds;
}

TEST(StoppableJob, EndsWhenItsCallerIsCancelled)
{
    asio::io_context io(1);
    asio::cancellation_signal stop;
    bool cancelled = false;
    int rounds = 0;
    auto body = [&]() -> awaitable<void> {
        auto work = [](const std::atomic<bool>& told) { return work_on(told); };
        rounds = co_await offload_stoppable(std::move(work));
        asio::steady_timer timer(io, std::chrono::hours(1));
        co_await timer.async_wait(use_awaitable); // here it notices
    };
    asio::co_spawn(io, body(), asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr thrown) {
                       cancelled = thrown != nullptr;
                   }));
    asio::steady_timer soon(io, std::chrono::milliseconds(1));
    soon.async_wait([&](error_code) { stop.emit(asio::cancellation_type::terminal); });
    test::run_guarded(io);
    EXPECT_GT(rounds, 0) << "what it returned is given";
    EXPECT_TRUE(cancelled);
}

TEST(StoppableJob, RunsToItsEndOtherwise)
{
    asio::io_context io(1);
    auto body = []() -> awaitable<int> {
        auto work = [](const std::atomic<bool>& told) { return told ? 1 : 7; };
        const int first = co_await offload_stoppable(work);
        co_return first + co_await offload_stoppable(std::move(work));
    };
    EXPECT_EQ(test::run_here(io, body()), 14);
}

} // namespace
} // namespace graftline
