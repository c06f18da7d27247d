/// The standard output or error of a child, captured while it runs.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/readable_pipe.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace graftline {

/// Reads one pipe to its end, into memory, up to a limit. Its pending read shares ownership of it, so that
/// its user may go at any time; callbacks are only called between `listen` and `close`. Threads: the strand
/// of `executor`.
class captured_stream : public std::enable_shared_from_this<captured_stream> {
public:
    /// Errors: what pipe2(2) said.
    static result<std::shared_ptr<captured_stream>> make(const asio::any_io_executor& executor,
                                                         std::size_t limit);

    int child_end() const noexcept { return write_end_.get(); }

    /// Gives our copy of the child's end back and begins to read. `too_much` is called when the limit is
    /// passed.
    void listen(std::function<void()> too_much);

    /// Calls `then` when the stream has ended; {} takes it back.
    void when_done(std::function<void()> then) { done_callback_ = std::move(then); }

    /// Ends soon, with what the pipe holds by now: a grandchild may keep it open for ever.
    void hurry() noexcept;

    /// Stops reading, for good.
    void close() noexcept;

    bool done() const noexcept { return done_; }
    bool overflowed() const noexcept { return overflowed_; }
    std::string take() { return std::move(text_); }

    captured_stream(const asio::any_io_executor& executor, std::size_t limit) : pipe_(executor), limit_(limit)
    {
    }

private:
    void read_more();
    void got(const error_code& failure, std::size_t bytes);
    void keep(std::string_view bytes);
    void end() noexcept;

    asio::readable_pipe pipe_;
    descriptor write_end_;
    std::size_t limit_;
    std::string text_;
    std::function<void()> too_much_;
    std::function<void()> done_callback_;
    bool hurries_ = false;
    bool done_ = false;
    bool overflowed_ = false;
    std::array<char, 16 * 1024> chunk_;
};

} // namespace graftline
