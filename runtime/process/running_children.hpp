/// The children that a program has running, for the moment when it is to end.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace graftline {

class child;

/// All of one context's, except supervisors and their agents. A program that is about to end says so here:
/// what nobody may interrupt, such as a git that moves a ref, may have a hook of the user's to wait for.
/// Threads: children are noted from any; what signals them is called on the strand that they are used on.
class running_children : public std::enable_shared_from_this<running_children> {
public:
    using clock = std::chrono::steady_clock;

    /// Those of the context that `executor` runs on.
    static std::shared_ptr<running_children> of(const asio::any_io_executor& executor);

    /// The program is to end soon. From now on a child, also one that is started later, gets `patience`, then
    /// TERM to its whole tree, and KILL `grace` later. The first call counts.
    void hurry(const asio::any_io_executor& executor, clock::duration patience, clock::duration grace);

    /// KILL to the tree of each child, now. From now on no child is started any more.
    void kill_all() noexcept;
    bool may_start() const;

private:
    friend class child;
    friend class running_children_service;

    struct entry {
        child* who;
        clock::time_point asked_at; ///< when TERM is due, or was sent
        bool asked = false;
    };
    void add(child& started);
    void remove(child& gone) noexcept;
    void look();
    void wait_for_next();
    void forget_timer() noexcept;

    mutable std::mutex guard_;
    std::vector<entry> children_;
    bool may_start_ = true;
    clock::duration patience_{}, grace_{};
    std::optional<asio::steady_timer> due_; ///< once the program is to end
};

} // namespace graftline
