/// Landings of one target, one after the other, tested ahead of their turn.
#pragma once

#include "graftline/effects/landing/candidate.hpp"
#include "graftline/effects/landing/landing.hpp"
#include "graftline/effects/run/run.hpp"
#include "graftline/runtime/async/scope.hpp"
#include "graftline/runtime/files/repository_lock.hpp"

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <set>
#include <vector>

namespace graftline::effects {

/// What a queue is told by the settings.
class queue_options {
public:
    std::size_t speculation = 4; ///< landings whose gates run at the same time
    bool share_gates = false;    ///< changes in disjoint folders are tested together, and apart if that fails
};

/// Lands changes on one target in order of priority, then arrival. Each is merged onto the one before it, and
/// its gates run on that tree before the target moves; when one fails, those behind it are merged and tested
/// again without it. What has passed moves the target in one step. When somebody else moves the target, all
/// are merged again on its new tip; a tree that was tested keeps its verdict. Threads: one strand, that of
/// the run. Outlived by nobody who waits in it.
class landing_queue {
public:
    /// The run's own of that target, with what its settings say.
    static landing_queue& of(run& r, const std::string& target);

    /// `beside`: where its work is done, joined by its owner before the queue goes.
    landing_queue(run& r, std::string target, queue_options options, scope& beside);
    ~landing_queue();

    struct answer {
        landing came_to;
        bool is_recorded = false; ///< with all that moved the target together
    };
    /// Waits until the change has landed or cannot; one that has is recorded then, and its intent cleared.
    /// Errors: what git, the store or a gate's start said. Cancellation: terminal; the change is taken out,
    /// unless the target is moving to it already: then it lands, and that is the result.
    awaitable<result<answer>> land(landing_request what);

private:
    struct entry;
    struct slot;
    using entry_ptr = std::shared_ptr<entry>;
    using slot_ptr = std::shared_ptr<slot>;

    awaitable<void> work();
    awaitable<void> turn();
    awaitable<result<bool>> work_alone();
    awaitable<result<void>> find_tip();
    awaitable<void> fill();
    entry_ptr next_entry();
    awaitable<void> add(entry_ptr e, candidate c);
    awaitable<bool> joins(slot& last, const entry& e, const candidate& c);
    bool may_test_more() const;
    void start_tests();
    awaitable<void> test(slot_ptr s);
    void drop_withdrawn();
    awaitable<bool> advance();
    awaitable<void> move(std::size_t slots);
    awaitable<bool> drop_cancelled(std::size_t slots); ///< true: one was, and is out of the chain
    void reject_head();
    awaitable<void> landed(std::size_t slots);
    void settle(const entry_ptr& e, result<landing> how);
    void settle_all(const fault& why);
    void take_apart(std::size_t from);
    awaitable<void> bury();
    void ring();
    awaitable<void> wait_for_change();

    run& run_;
    std::string target_;
    queue_options options_;
    scope& beside_;
    asio::any_io_executor executor_;
    asio::steady_timer bell_;
    repository_lock alone_; ///< held while changes are merged onto the target and move it
    bool rung_ = false;
    bool working_ = false;
    std::size_t arrivals_ = 0;
    int groups_ = 0;
    std::size_t batch_; ///< how many may move together: fewer while somebody else moves the target
    std::vector<entry_ptr> entries_; ///< in order; all that are not settled
    std::deque<slot_ptr> chain_;     ///< merged onto each other, the first on the target's tip
    std::vector<slot_ptr> dying_;    ///< taken apart; their gates are being ended
    std::optional<git::oid> tip_;
};

} // namespace graftline::effects
