/// Runs a coroutine to its end on a real event loop, and fails instead of hanging.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

namespace graftline::test {

/// What hangs is told apart from what is slow: little less than ctest allows a test.
inline std::chrono::seconds hang_limit{100};

/// While it lives: for tests that take long on purpose.
class longer_hang_limit {
public:
    explicit longer_hang_limit(std::chrono::seconds limit) : before_(std::exchange(hang_limit, limit)) {}
    ~longer_hang_limit() { hang_limit = before_; }
    longer_hang_limit(const longer_hang_limit&) = delete;
    longer_hang_limit& operator=(const longer_hang_limit&) = delete;

private:
    std::chrono::seconds before_;
};

/// Runs `io` until it has no work or the limit passes; a test failure then.
void run_guarded(asio::io_context& io);

/// Runs `body` on `io` and gives its value; rethrows what it threw.
template <class T> T run_here(asio::io_context& io, awaitable<T> body)
{
    std::exception_ptr failure;
    if constexpr (std::is_void_v<T>) {
        asio::co_spawn(io, std::move(body), [&](std::exception_ptr e) { failure = e; });
        run_guarded(io);
        if (failure) std::rethrow_exception(failure);
    } else {
        std::optional<T> value;
        asio::co_spawn(io, std::move(body), [&](std::exception_ptr e, T v) {
            failure = e;
            if (!e) value.emplace(std::move(v));
        });
        run_guarded(io);
        if (failure) std::rethrow_exception(failure);
        if (!value) throw std::runtime_error("the coroutine did not end within the hang limit");
        return std::move(*value);
    }
}

template <class T> T run_here(awaitable<T> body)
{
    asio::io_context io(1);
    return run_here(io, std::move(body));
}

} // namespace graftline::test
