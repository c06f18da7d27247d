/// What became of a child.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/error.hpp>
#include <boost/system/system_error.hpp>

#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace graftline::parallel {

/// The value of a child that has ended, or what it threw. One that never began has operation_aborted.
template <class T> class outcome {
    using stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

public:
    using value_type = T;

    outcome() = default;
    explicit outcome(std::exception_ptr error) : error_(std::move(error)) {}
    template <class... A>
    explicit outcome(std::in_place_t, A&&... a) : value_(std::in_place, std::forward<A>(a)...)
    {
    }

    bool has_value() const noexcept { return value_.has_value(); }

    /// The value; rethrows what the child threw.
    std::add_lvalue_reference_t<T> value() &
    {
        check();
        if constexpr (!std::is_void_v<T>) return *value_;
    }
    std::add_lvalue_reference_t<const T> value() const&
    {
        check();
        if constexpr (!std::is_void_v<T>) return *value_;
    }
    T value() &&
    {
        check();
        if constexpr (!std::is_void_v<T>) return std::move(*value_);
    }

    /// What the child threw; null when it has a value.
    std::exception_ptr error() const
    {
        if (has_value() || error_) return error_;
        return std::make_exception_ptr(boost::system::system_error(asio::error::operation_aborted));
    }

private:
    void check() const
    {
        if (!has_value()) std::rethrow_exception(error());
    }

    std::optional<stored> value_;
    std::exception_ptr error_;
};

/// Whether this is how a cancelled coroutine ends.
inline bool is_aborted(const std::exception_ptr& error)
{
    try {
        if (error) std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        return e.code() == asio::error::operation_aborted;
    } catch (...) {
    }
    return false;
}

/// Awaits `child` and gives its end as an outcome. Throws nothing of the child's.
template <class T> awaitable<outcome<T>> settle(awaitable<T> child)
{
    try {
        if constexpr (std::is_void_v<T>) {
            co_await std::move(child);
            co_return outcome<T>(std::in_place);
        } else {
            co_return outcome<T>(std::in_place, co_await std::move(child));
        }
    } catch (...) {
        co_return outcome<T>(std::current_exception());
    }
}

} // namespace graftline::parallel
