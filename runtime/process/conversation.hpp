/// A child that is talked to: `git update-ref --stdin`, `git cat-file --batch`.
#pragma once

#include "graftline/runtime/process/command.hpp"

#include <memory>

namespace graftline {

/// A running child, its standard input a socket (a write to one that is gone is an error, not SIGPIPE), its
/// standard output a pipe that is read line by line. Its standard error is kept, up to 1 MiB. It has no
/// terminal. When one answer takes longer than it may (command_time.hpp) its whole tree is ended, as for
/// `run`: then it says nothing more, and `finish` tells why.
///
/// One call at a time. Cancelling a call (terminal) ends that call only; the object is then good for
/// destruction. The destructor closes the input, so that git gives its locks back, and waits for that, which
/// blocks, up to a quarter of a second; then TERM, and after 5 s KILL; the child is reaped. After `leave` or
/// `finish` it has nothing to wait for.
class conversation {
public:
    /// Starts `what` on the caller's executor. Errors: could_not_start, which names the program.
    static awaitable<result<std::unique_ptr<conversation>>> start(command what);

    conversation(const conversation&) = delete;
    conversation& operator=(const conversation&) = delete;
    ~conversation();

    /// Writes all of `text`. Errors: command_failed with the child's own words when it does not listen any
    /// more.
    awaitable<result<void>> say(std::string text);

    /// The next line without its newline. Errors: command_failed with the child's own words at the end of its
    /// output, or when a line is longer than 16 MiB.
    awaitable<result<std::string>> hear_line();

    /// Exactly `bytes` more of its output, for protocols that count. Errors as `hear_line`.
    awaitable<result<std::string>> hear(std::size_t bytes);

    /// No more input. Nothing when closed already.
    void close_input() noexcept;

    /// Closes the input, takes the rest of the output (up to the command's limit) and the end. Call it once,
    /// last.
    awaitable<result<command_output>> finish();

    /// What the destructor does, without blocking: for talks that do not come to their end. Not cancellable.
    awaitable<void> leave();

private:
    class impl;
    explicit conversation(std::unique_ptr<impl> inside);
    std::unique_ptr<impl> inside_;
};

} // namespace graftline
