/// A program run to its end, its output captured.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/process/exit_status.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace graftline {

/// What to run. The environment is ours with the changes made here; standard input is /dev/null unless fed.
class command {
public:
    explicit command(std::string program) { words_.push_back(std::move(program)); }

    /// Adds words, each exactly one argument: there is no shell.
    template <class... W> command&& args(W&&... more) &&
    {
        (words_.emplace_back(std::forward<W>(more)), ...);
        return std::move(*this);
    }
    template <class... W> command& args(W&&... more) &
    {
        (words_.emplace_back(std::forward<W>(more)), ...);
        return *this;
    }
    command& add(std::string word);
    command& in(std::filesystem::path folder);         ///< working directory
    command& set(std::string name, std::string value); ///< environment, over what is inherited
    command& unset(std::string name);                  ///< environment, taken out of what is inherited
    command& feed(std::string standard_input);         ///< all of it at once
    command& keep(std::size_t bytes);                  ///< limit of each stream; more is a fault
    command& take_at_most(std::chrono::milliseconds);  ///< then its whole tree is ended; at first without end

    const std::vector<std::string>& words() const noexcept { return words_; }
    const std::filesystem::path& folder() const noexcept { return folder_; }
    const std::optional<std::string>& standard_input() const noexcept { return input_; }
    std::size_t limit() const noexcept { return limit_; }
    const std::optional<std::chrono::milliseconds>& longest() const noexcept { return longest_; }
    /// What it says about itself in its environment (left_commands.hpp); empty when it says nothing.
    std::string purpose() const;
    /// Ours, with the changes applied; each "NAME=value".
    std::vector<std::string> environment() const;

private:
    std::vector<std::string> words_;
    std::filesystem::path folder_;
    std::vector<std::pair<std::string, std::optional<std::string>>> changes_;
    std::optional<std::string> input_;
    std::size_t limit_ = std::size_t{256} << 20;
    std::optional<std::chrono::milliseconds> longest_;
};

struct command_output {
    exit_status status;
    std::string out;
    std::string err;
    /// Not empty: it was ended because its time was over. The words of the program that it waited for then,
    /// or its own.
    std::vector<std::string> overdue = {};
    bool ok() const noexcept { return status == exit_status(exited{0}) && overdue.empty(); }
};

/// Runs it on the caller's executor, which must be a strand or a loop of one thread.
///
/// It has no terminal, also where we have one. Both streams are read while it runs. What the program leaves
/// running in its process group is killed at its end; a grandchild that left the group and still holds a
/// stream is waited for one second, then no longer listened to. Errors: could_not_start, which names the
/// program; command_failed when it printed more than `keep`, internal when the host program took the exit
/// status away. A program that ran and failed is a value, not an error; so is one whose time was over
/// (command_time.hpp): TERM, then KILL after five seconds, to its whole tree. Cancellation: terminal; TERM,
/// then KILL after five seconds, to its whole tree; reaped, then operation_aborted is thrown. When our
/// process dies meanwhile it runs on: left_commands.hpp.
awaitable<result<command_output>> run(command what);

/// The words of a command for a message, quoted as a shell would need them.
std::string quoted(const std::vector<std::string>& words);

} // namespace graftline
