/// Standard input line by line, as the lines come.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <optional>
#include <string>

namespace graftline::cli {

/// Reads without blocking the loop. A terminal or a pipe that others read too keeps its own mode.
class input_lines {
public:
    explicit input_lines(asio::any_io_executor loop) : input_(std::move(loop)) {}

    /// The next line without its end; nullopt after the last one. Errors: the system's, invalid for a line of
    /// more than a mebibyte. Cancellation: terminal; operation_aborted.
    awaitable<result<std::optional<std::string>>> next();

private:
    asio::posix::stream_descriptor input_;
    std::string read_;
    bool ended_ = false;
};

} // namespace graftline::cli
