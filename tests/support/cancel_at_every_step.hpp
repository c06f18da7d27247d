/// Finds what goes wrong when a coroutine is cancelled, or its context destroyed, between any two of its
/// steps.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "tests/support/hang_guard.hpp"
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>

namespace graftline::test {

/// What is run again and again. It is made afresh for each step, and must end by itself when nobody disturbs
/// it.
class scenario {
public:
    virtual ~scenario() = default;
    virtual awaitable<void> body() = 0;
    /// After the end, however it came: nothing is leaked, nothing is held.
    virtual void check() {}
};

inline constexpr std::size_t most_steps = 10'000;

namespace detail {

inline bool run_steps(asio::io_context& io, std::size_t steps, const bool& finished)
{
    for (std::size_t n = 0; n < steps && !finished; ++n)
        if (io.run_one_for(hang_limit) == 0) break;
    return finished;
}

} // namespace detail

/// Runs what `make(io)` gives, cancelled after 0, 1, 2, ... handlers of the loop, until it ends undisturbed;
/// with a `stride`, after that many more each time: for what takes long. `make` returns a pointer to a
/// scenario, and may use the loop before. The scenario goes before its context does.
template <class Make> void cancel_at_every_step(Make make, std::size_t stride = 1)
{
    for (std::size_t step = 0; step < most_steps; step += stride) {
        asio::io_context io(1);
        const auto one = make(io);
        io.restart();
        asio::cancellation_signal stop;
        bool finished = false;
        asio::co_spawn(io, one->body(), asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) {
                           finished = true;
                       }));
        const bool undisturbed = detail::run_steps(io, step, finished);
        stop.emit(asio::cancellation_type::terminal);
        run_guarded(io);
        ASSERT_TRUE(finished) << "did not end when cancelled after step " << step;
        one->check();
        if (undisturbed || ::testing::Test::HasFailure()) return;
    }
    FAIL() << "did not end within " << most_steps << " steps";
}

/// The same, but the context is destroyed instead, as by a host that goes without `stop`. The scenario goes
/// after its context, and so must not own Asio objects by itself.
template <class Make> void abandon_at_every_step(Make make)
{
    for (std::size_t step = 0; step < most_steps; ++step) {
        auto io = std::make_unique<asio::io_context>(1);
        const auto one = make(*io);
        bool finished = false;
        asio::co_spawn(*io, one->body(), [&](std::exception_ptr) { finished = true; });
        const bool undisturbed = detail::run_steps(*io, step, finished);
        io.reset();
        one->check();
        if (undisturbed || ::testing::Test::HasFailure()) return;
    }
    FAIL() << "did not end within " << most_steps << " steps";
}

} // namespace graftline::test
