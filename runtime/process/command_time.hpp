/// How long commands may take, and who is told of one that takes long.
#pragma once

#include "graftline/runtime/process/command.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace graftline {

class child;

/// A command that takes its time.
struct slow_command {
    const command& what;
    std::chrono::seconds since;         ///< that it runs
    std::vector<std::string> waits_for; ///< words of the program that it waits for, or its own
};

/// What counts for all commands of a context. Threads: any.
class command_times : public std::enable_shared_from_this<command_times> {
public:
    using clock = std::chrono::steady_clock;
    using predicate = std::function<bool(const command&)>;
    using listener = std::function<void(const slow_command&)>;
    /// What was asked counts as long as this lives.
    using lease = std::shared_ptr<void>;

    /// Those of the context that `executor` runs on.
    static std::shared_ptr<command_times> of(const asio::any_io_executor& executor);

    /// Commands that `is_meant` accepts and that are started from now on are ended at `end`, if not before.
    [[nodiscard]] lease end_at(clock::time_point end, predicate is_meant);

    /// `heard` is told of commands that have run for ten seconds, and again each time that has doubled, on
    /// the command's executor. It must neither block nor throw.
    [[nodiscard]] lease tell(listener heard);

private:
    friend class command_time;
    struct limit {
        clock::time_point end;
        predicate is_meant;
    };
    clock::time_point end_of(const command& what, clock::time_point latest) const;
    void tell_all(const slow_command& slow) const;

    mutable std::mutex guard_;
    std::list<limit> limits_;
    std::list<listener> listeners_;
};

/// The time of one command that runs, as long as this lives: it must end before the child does. When it is
/// over, the child's whole tree gets TERM, and KILL five seconds later.
class command_time {
public:
    command_time(const asio::any_io_executor& executor, child& program, const command& what);
    command_time(const command_time&) = delete;
    command_time& operator=(const command_time&) = delete;
    ~command_time();

    /// It waits for us: no time of its own passes. What it is for still ends it.
    void rest();
    /// We wait for it, with all of its own time ahead.
    void go_on();

    /// Not empty: its time was over. The words of the program that it waited for then.
    const std::vector<std::string>& overdue() const noexcept;

private:
    struct state;
    std::shared_ptr<state> state_; ///< a timer's handler may be queued when this goes
};

/// The words of the program that `pid` waits for: what it has started that is not called as itself, or what
/// that has started, and so on; the youngest where there are several; its own without any. Blocks for a look
/// at all processes.
std::vector<std::string> program_waited_for(pid_t pid);

} // namespace graftline
