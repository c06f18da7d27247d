/// What a run did before, given to its program once more in the same order.
#pragma once

#include "graftline/effects/journal/journal_record.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace graftline::effects {

/// Thrown by every effect of a run that is being stopped. Not an outcome: nothing records it.
struct interrupted : std::exception {
    const char* what() const noexcept override { return "the run is being stopped"; }
};

/// The program asks for something else than the one that was recorded: its answers would be wrong. The run is
/// stopped; nothing of it is recorded.
struct diverged : interrupted {
    explicit diverged(fault f) : why(std::move(f)) {}
    const char* what() const noexcept override { return why.what().c_str(); }
    fault why;
};

/// Delivers outcomes to a run's program: first those on record, in their recorded order; after the last it is
/// live, and delivers those of the effects that are carried out, as they come. One at a time, each only when
/// every strand of the run is at rest: waits for an outcome, for its children, or says so by `resting` or
/// `away`. So what a delivery leads to has always happened before the next, the first time as when it is
/// replayed. Used from one strand, whose handlers run in the order in which they were posted; shared with
/// what it posts.
class replay : public std::enable_shared_from_this<replay> {
public:
    /// Live from the start until something is on record.
    explicit replay(asio::any_io_executor loop) : loop_(std::move(loop)) {}

    /// Takes one of the run's records, in their order, before the program begins.
    void take(journal_record&& record);

    bool is_live() const noexcept { return live_; }
    /// Nothing is on record: there is nothing to ask for.
    bool is_empty() const noexcept { return known_.empty(); }
    /// Something below this path was asked for before.
    bool knows(const std::string& path) const;
    /// How many attempts at an effect are on record.
    std::int64_t attempts(const std::string& path) const;
    /// When the next attempt at an effect is due, in milliseconds since the epoch; 0: at once.
    std::int64_t due(const std::string& path) const;
    /// When the first attempt on record began, in milliseconds since the epoch; 0: there is none.
    std::int64_t begun(const std::string& path) const;
    /// The request itself is on record.
    bool was_requested(const std::string& path) const { return known_.contains(path); }
    /// The arguments, as canonical text, of an effect of that kind below this path; none when none was
    /// requested.
    std::optional<std::string> arguments_below(const std::string& path, std::string_view kind) const;
    /// What is on record below this path will not be asked for: its strand had ended.
    void skip(const std::string& path);
    /// Returns when it is live. Counted as rest. Cancellation: terminal. Throws diverged.
    awaitable<void> wait_until_live();

    struct answer {
        bool done = false;
        std::string body;
        bool cancelled = false;       ///< what the program had cancelled ended as such
        bool still_cancelled = false; ///< the strand noticed its cancellation only afterwards
        bool is_recorded = true;      ///< false: its delivery is not on record yet
    };
    /// The recorded outcome, when its turn has come; none when there is none and it is live. A strand that is
    /// cancelled meanwhile keeps waiting: what became of that is on record, or none and live. Throws diverged
    /// when kind or arguments differ from what was recorded, or the recorded order cannot be kept.
    awaitable<std::optional<answer>> ask(std::string path, std::string_view kind, std::int64_t hash,
                                         const std::string& arguments);

    /// The strand of an effect that begins: at rest until `arrive`.
    void set_out() { rest(); }
    /// The effect has ended: returns when its outcome may be delivered, or the run is being stopped. Not
    /// cancellable.
    awaitable<void> arrive();

    /// The program has come to its end by itself: on record there must be nothing left that it did not ask
    /// for.
    void conclude();

    /// A place where effects are performed: the name of its strand, and whether that waits.
    class place {
    public:
        place(replay& of, std::string path);
        ~place();
        place(const place&) = delete;
        place& operator=(const place&) = delete;

        std::string path;
        bool waits = false;

    private:
        std::shared_ptr<replay> of_;
    };
    /// The paths of the strands that do not wait, in order.
    std::vector<std::string> busy() const;
    /// A delivery waits for strands to come to rest.
    bool is_held_up() const { return active_ > 0 && (live_ ? !arrived_.empty() : !order_.empty()); }
    /// How often all strands were at rest together.
    std::uint64_t rests() const noexcept { return rests_; }
    /// Returns when a delivery is held up. For one caller at a time. Cancellation: terminal.
    awaitable<void> wait_until_held_up();

    const std::optional<fault>& failure() const noexcept { return failure_; }
    /// Called at the first divergence.
    std::function<void()> on_failure;
    /// Wakes all that wait, for a run that is being stopped.
    void stop();

    /// A part of the program that goes on by itself; it is not at rest while it lives.
    class strand {
    public:
        explicit strand(replay& of) : of_(of.shared_from_this()) { of_->wake(); }
        ~strand() { of_->rest(); }
        strand(const strand&) = delete;
        strand& operator=(const strand&) = delete;

    private:
        std::shared_ptr<replay> of_;
    };
    /// While it lives, its strand waits for what only another strand can bring about.
    class resting {
    public:
        explicit resting(replay& of) : of_(of.shared_from_this()) { of_->rest(); }
        ~resting() { of_->wake(); }
        resting(const resting&) = delete;
        resting& operator=(const resting&) = delete;

    private:
        std::shared_ptr<replay> of_;
    };
    /// While it lives, its strand is away: it waits for something outside the run. Another delivery need not
    /// wait for it; but while it is away, what is on record may still be asked for by it.
    class away {
    public:
        explicit away(replay& of) : of_(of.shared_from_this())
        {
            ++of_->away_;
            of_->rest();
        }
        ~away()
        {
            --of_->away_;
            of_->wake();
        }
        away(const away&) = delete;
        away& operator=(const away&) = delete;

    private:
        std::shared_ptr<replay> of_;
    };
    /// The children of a strand, which rests while any of them lives, but not between the end of the last one
    /// and its own going on. Each child has a copy: when a context is destroyed, parent and children go in no
    /// particular order.
    class children {
    public:
        /// `path`: theirs.
        children(replay& of, const std::string& path) : all_(std::make_shared<group>(of.shared_from_this()))
        {
            of.nest(path);
        }
        void enter() const
        {
            all_->of->wake();
            if (all_->running++ == 0) all_->of->rest();
        }
        void leave() const
        {
            if (--all_->running == 0) all_->of->wake();
            all_->of->rest();
        }

    private:
        struct group {
            explicit group(std::shared_ptr<replay> its) : of(std::move(its)) {}
            std::shared_ptr<replay> of;
            int running = 0;
        };
        std::shared_ptr<group> all_;
    };

private:
    struct past {
        std::string kind;
        std::int64_t hash = 0;
        std::string arguments;
        std::int64_t attempts = 0;
        std::int64_t due_ms = 0;
        std::int64_t begun_ms = 0;
        bool resolved = false;
        answer outcome;
    };
    struct waiter {
        explicit waiter(const asio::any_io_executor& loop) : bell(loop, asio::steady_timer::time_point::max())
        {
        }
        asio::steady_timer bell; // never expires: it rings by being cancelled
        bool called = false;
    };

    void rest();
    void wake();
    void nest(const std::string& path);
    void post_turn();
    void tell_of_hold_up();
    void turn();
    void go_live();
    void call(waiter& one);
    std::optional<answer> resolved(const std::string& path);
    [[noreturn]] void fail(fault why);
    void check(const std::string& path, const past& before, std::string_view kind, std::int64_t hash,
               const std::string& arguments);
    bool is_skipped(const std::string& path) const;
    void drop_skipped();
    void fail_unasked();

    asio::any_io_executor loop_;
    std::unordered_map<std::string, past> known_;
    std::deque<std::string> order_;           // paths of what is still to be delivered
    std::unordered_set<std::string> begun_;   // paths that something on record is below
    std::unordered_set<std::string> skipped_; // paths below which nothing will be asked for
    std::map<std::string, waiter*> waiting_;
    std::deque<waiter*> arrived_; // whose outcomes are to be delivered, live
    std::set<waiter*> waiting_for_live_;
    std::optional<fault> failure_;
    std::set<const place*> places_;
    waiter* looks_for_hold_up_ = nullptr;
    std::uint64_t rests_ = 0;
    int active_ = 0;
    int away_ = 0;
    int deepest_ = 0; // how deep children are nested
    int rounds_ = 0;  // of the loop, until all have come to rest
    bool posted_ = false;
    bool live_ = true;
    bool stopped_ = false;
};

} // namespace graftline::effects
