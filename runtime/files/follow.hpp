/// Files that grow, followed without polling.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace graftline {

/// Reads a file that somebody appends to, from its beginning on. Threads: the strand of `executor`.
class follower {
public:
    follower(asio::any_io_executor executor, std::filesystem::path path);
    follower(follower&&) noexcept;
    follower& operator=(follower&&) noexcept;
    ~follower();

    /// The next bytes, at most 64 KiB; waits for growth, and for the file to appear. However fast the file
    /// grows, others get their turn on the loop in between. Empty once `finish` was called and all is read.
    /// Errors: what the system said. Cancellation: terminal; nothing is lost, the next call goes on.
    /// Lifetime: the follower outlives the call. One call at a time.
    awaitable<result<std::string>> read_some();

    /// The file will not grow any more (its writer has ended): what waits gives the rest, then "".
    void finish();

    /// Goes on at this byte instead.
    void skip_to(std::uint64_t offset) noexcept;
    /// Goes on `tail` bytes before the end that the file has now. False when no more than that is unread.
    bool skip_all_but(std::uint64_t tail) noexcept;
    /// From now on at most some 5 MiB a second are read until `finish`: for what need not be read as fast as
    /// it is written.
    void take_time() noexcept;

private:
    class impl;
    std::unique_ptr<impl> inside_;
};

/// Bytes in, lines out. Any chunking, any bytes: NUL and invalid UTF-8 pass through as they are.
class line_splitter {
public:
    /// Lines longer than `limit` bytes are cut there; the rest of such a line is dropped.
    explicit line_splitter(std::size_t limit = 64 * 1024) : limit_(limit) {}

    /// The lines that `chunk` completes, without "\n" or "\r\n".
    std::vector<std::string> feed(std::string_view chunk);

    /// Forgets the line that is not complete yet, and drops the rest of it: bytes were left out.
    void skip_rest_of_line();

    /// The half line at the end, if there is one. The splitter is empty then.
    std::string take_rest();

    bool at_line_start() const noexcept { return !in_line_; }

private:
    std::size_t limit_;
    std::string pending_;
    bool in_line_ = false;
    bool skips_ = false;
};

} // namespace graftline
