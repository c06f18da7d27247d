/// The one coroutine type of the house.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace graftline {

namespace asio = boost::asio;

/// A coroutine that runs on its caller's executor and ends before its caller does. "Task" never means this: a
/// task is the work to be done.
template <class T> using awaitable = asio::awaitable<T>;
using asio::use_awaitable;

} // namespace graftline
