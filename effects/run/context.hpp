/// Effects, and the context that carries them out and writes them to the journal.
#pragma once

#include "graftline/effects/db/stored_json.hpp"
#include "graftline/effects/run/effect_place.hpp"
#include "graftline/effects/run/retry_policy.hpp"
#include "graftline/effects/run/run.hpp"
#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/base/json_text.hpp"

#include <boost/asio/this_coro.hpp>

#include <concepts>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace graftline::effects {

/// One step of a task: a described struct whose members are its arguments, with a name, a described result,
/// and how it is done. `carry_out` gives faults as values; its exceptions mean cancelled, interrupted or a
/// bug. It may be carried out more than once when a process dies in between: what is safe to redo, and how,
/// is each effect's own matter. An effect that says `static constexpr bool is_pure = true` changes nothing
/// outside the program and does not wait for its request to be committed. One that says `static constexpr
/// bool keeps_record = true` has on record by itself whatever must outlast a power cut, before anybody can
/// see it: when a cut takes its request and its outcome along, carrying it out again is right. Nothing is
/// flushed for it then; the request of any other is on the disk, and so every earlier outcome, before it
/// begins. One whose work outlives the process
/// asks for its place too: `carry_out(run&, const effect_place&)`. One with a `retries` policy is tried again
/// when it fails of what may pass; only the last attempt's fault is its outcome. What must not be left half
/// done is `shielded`: an effect that is cancelled meanwhile ends, and is still cancelled then.
template <class E>
concept placed_effect = requires(const E& e, run& r, const effect_place& here) {
    { e.carry_out(r, here) } -> std::same_as<awaitable<result<typename E::outcome>>>;
};
template <class E>
concept effect = requires(const E& e, run& r) {
    { E::kind } -> std::convertible_to<std::string_view>;
    typename E::outcome;
    { e.carry_out(r) } -> std::same_as<awaitable<result<typename E::outcome>>>;
} || placed_effect<E>;

/// Thrown by `perform` when the program, or its combinator, has cancelled the strand meanwhile; on record.
struct cancelled : boost::system::system_error {
    cancelled() : system_error(asio::error::operation_aborted) {}
};

class context;

/// The combinators of runtime/async/parallel.hpp for strands that perform effects: every child gets a context
/// of its own, numbered by its place among the children, and the run knows when all of them are at rest.
/// Results, errors and cancellation are theirs.
class fan_out {
    template <class F, class T> using made_by = typename std::invoke_result_t<F&, context&, T>::value_type;

public:
    explicit fan_out(context& of) : context_(of) {}

    /// `make(context&, item)` for each item.
    template <class T, class F, class R = made_by<F, T>>
    awaitable<std::vector<parallel::outcome<R>>> map(std::vector<T> items, F make,
                                                     parallel::options how = parallel::options());
    template <class R> using child = std::function<awaitable<R>(context&)>;
    template <class R>
    awaitable<std::vector<parallel::outcome<R>>> all(std::vector<child<R>> children,
                                                     parallel::options how = parallel::options());
    template <class R> awaitable<std::pair<std::size_t, R>> race(std::vector<child<R>> children);

private:
    template <class T, class F, class R>
    static awaitable<R> carry(replay::children group, context& parent, std::string path, F& make, T item);

    context& context_;
};

/// A place in the tree of effects. Effects performed here are numbered in order below its path, so that the
/// same program gives the same ids however its tasks interleave. Every parallel child has a context of its
/// own, from `parallel`.
///
/// What a body awaits is an effect (`perform`), its children (`parallel`), or something else by `external`;
/// it awaits nothing else. Outcomes are delivered one at a time, each when every strand of the run waits in
/// one of these ways. A strand that awaits a timer or a connection directly holds up every other strand of
/// the run until it comes back, and for ever when it waits for one of them. The run's observer is told of a
/// strand that does so for five seconds.
///
/// What a body decides on comes from its arguments, from outcomes of effects, or from the run's record (its
/// settings). What it finds out in any other way may be different when the run is gone on with, and then the
/// run is refused.
class context {
public:
    /// A strand of the run's that goes on by itself.
    context(run& r, std::string path) : context(r, std::move(path), true) {}
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    /// Carries `e` out and journals it: requested, started, resolved, delivered; in a run that is gone on
    /// with, gives the outcome on record. Throws fault_error with its fault; throws interrupted, and records
    /// no outcome, once the run is being stopped, which a fault of the environment does; throws diverged when
    /// another program was recorded; throws cancelled.
    template <effect E> awaitable<typename E::outcome> perform(E e)
    {
        auto outcome = co_await try_perform(std::move(e));
        co_return std::move(outcome.value());
    }

    /// The same for bodies that act on a failure.
    template <effect E> awaitable<result<typename E::outcome>> try_perform(E e);

    /// Awaits something that is no effect, while other strands of the run go on: a timer, a connection, a
    /// bell that another strand rings. Gives what `what` gives, or throws it; cancelled as `perform`. That it
    /// ended, or was cancelled, is on record in the order of the outcomes; what it gave is not. A run that is
    /// gone on with awaits it again, and delivers its end where it came before. What it gives then may
    /// differ: where that decides which effects follow, or their arguments, the body must not take it from
    /// here, but from an effect. Cancellation: that of `what`.
    ///
    ///     co_await ctx.external(bell.wait());       // rung by a strand of this run, or by the host
    template <class T> awaitable<T> external(awaitable<T> what);

    /// Awaits what only other strands of the run bring about, always the same way: a place in a semaphore.
    /// Nothing of it is on record. A replay takes the strand for one that does not come back by itself.
    template <class T> awaitable<T> at_rest(awaitable<T> what)
    {
        const wait alone(*this);
        co_return co_await run_.at_rest(std::move(what));
    }

    /// Fans out from here: `co_await ctx.parallel.map(items, one, parallel::options().limit(5))`.
    fan_out parallel{*this};

    run& in() noexcept { return run_; }
    const std::string& path() const noexcept { return here_.path; }

private:
    friend class fan_out;
    friend class performance;
    context(run& r, std::string path, bool is_strand);
    std::string next_path() { return path() + "." + std::to_string(count_++); }

    /// Held while the context waits; std::logic_error when it does already.
    class wait {
    public:
        explicit wait(context& of);
        ~wait() { of_.here_.waits = false; }
        wait(const wait&) = delete;
        wait& operator=(const wait&) = delete;

    private:
        context& of_;
    };

    run& run_;
    replay::place here_;
    int count_ = 0;
    std::optional<replay::strand> strand_; // none where its combinator counts it
};

/// One effect on its way, for `try_perform`.
class performance {
public:
    /// Throws interrupted when no effect is to begin any more, std::logic_error when the context waits.
    performance(context& of, std::string_view kind, const json::value& arguments,
                const json::value& defaults);
    performance(const performance&) = delete;
    performance& operator=(const performance&) = delete;

    bool may_be_recorded() const { return !run_.past().is_empty(); }
    awaitable<std::optional<replay::answer>> ask();
    /// While it lives, the strand awaits something outside the run.
    replay::away away() { return replay::away(run_.past()); }
    /// What was awaited outside has ended, or threw: returns when that is its turn. Throws cancelled, also
    /// when the strand, which `was_cancelled` before or not, was cancelled meanwhile; interrupted. The caller
    /// has said throw_if_cancelled(false).
    awaitable<void> come_back(std::exception_ptr thrown, bool was_cancelled);
    /// The answer is taken by a strand whose own state of cancellation this is.
    void delivered(const replay::answer& answer);

    /// Records the request and the start. Result: what to wait for.
    journal::ticket begin(lasting when);
    effect_place place() const { return {path_, run_.past().attempts(path_) + attempts_, since_}; }
    bool should_wait() const { return run_.in().journal().is_full(); }
    /// After a crash in a pause: waits for the rest of it, and no longer than `policy` ever does, whatever
    /// the machine's clock was set to meanwhile.
    awaitable<void> wait_until_due(const retry_policy& policy);
    /// Records that the attempt failed and when the next is due, waits for that, and records its start.
    awaitable<void> put_off(const fault& why, std::chrono::milliseconds pause);
    bool may_try_again(const fault& why, const retry_policy& policy) const;
    int attempts() const { return attempts_; }
    void end(bool done, const json::value& outcome, bool still_cancelled);
    /// Throws what `escaped` comes to, after recording it where the program has cancelled the effect.
    [[noreturn]] void abandon(std::exception_ptr escaped, bool still_cancelled);

private:
    journal::ticket record(journal_event event, std::int64_t detail, std::string body = {},
                           std::string kind = {}, lasting when = lasting::with_the_next);

    context::wait alone_;
    run& run_;
    std::string path_;
    std::string_view kind_;
    std::string arguments_;
    std::int64_t hash_;
    std::chrono::system_clock::time_point since_{}; ///< of the first attempt, by any process
    int attempts_ = 1;                              ///< by this process
};

json::value to_stored(const fault& f);
fault fault_from_stored(const json::value& stored);

/// Fields in the order of their names, those that are as in `defaults` left out: the same however a program
/// comes to say it.
std::string canonical_text(const json::value& arguments, const json::value& defaults);

namespace detail {

template <class E>
concept pure = requires { requires E::is_pure; };

template <class E>
concept on_record = pure<E> || requires { requires E::keeps_record; };

template <class E> constexpr retry_policy retries_of()
{
    if constexpr (requires { E::retries; })
        return E::retries;
    else
        return {};
}

/// What the journal says of an outcome, as the program gets it.
template <class T> result<T> outcome_of(const replay::answer& recorded)
{
    if (recorded.cancelled) throw cancelled();
    const auto stored = parse_json(recorded.body);
    if (!stored) return stored.error();
    if (!recorded.done) return fault_from_stored(*stored);
    return from_stored<T>(*stored);
}
} // namespace detail

template <effect E> awaitable<result<typename E::outcome>> context::try_perform(E e)
{
    using value = typename E::outcome;
    static const json::value defaults = to_stored(E{});
    performance now(*this, E::kind, to_stored(e), defaults);
    const bool heeds = co_await asio::this_coro::throw_if_cancelled();
    if (now.may_be_recorded()) {
        // A strand that goes on although it is cancelled gets what is on record all the same.
        co_await asio::this_coro::throw_if_cancelled(false);
        const auto answer = co_await now.ask();
        co_await asio::this_coro::throw_if_cancelled(heeds);
        if (answer) {
            const bool asked =
                (co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none;
            if (asked && !answer->still_cancelled) { // on record from when effects still forgot it
                co_await asio::this_coro::throw_if_cancelled(false);
                co_await forget_cancellation();
                co_await asio::this_coro::throw_if_cancelled(heeds);
            }
            now.delivered(*answer);
            co_return detail::outcome_of<value>(*answer);
        }
    }
    result<value> outcome = fault(errc::internal, "no outcome");
    std::exception_ptr escaped;
    bool has_set_out = false;
    try {
        const auto written = now.begin(detail::on_record<E> ? lasting::with_the_next : lasting::at_once);
        run_.past().set_out();
        has_set_out = true;
        if (!detail::pure<E> || now.should_wait()) co_await journal::committed(written);
        constexpr auto policy = detail::retries_of<E>();
        if (policy.attempts > 1) co_await now.wait_until_due(policy);
        for (;;) {
            if constexpr (placed_effect<E>)
                outcome = co_await e.carry_out(run_, now.place());
            else
                outcome = co_await e.carry_out(run_);
            if (outcome || !now.may_try_again(outcome.error(), policy)) break;
            co_await now.put_off(outcome.error(), pause_after(now.attempts(), policy));
        }
    } catch (const fault_error& f) {
        outcome = f.why();
    } catch (...) {
        escaped = std::current_exception();
    }
    co_await asio::this_coro::throw_if_cancelled(false); // whatever the effect has left it at
    if (has_set_out) co_await run_.past().arrive();
    co_await asio::this_coro::throw_if_cancelled(heeds);
    const bool still_cancelled =
        (co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none;
    if (escaped) now.abandon(escaped, still_cancelled);
    if (!outcome && is_of_the_environment(outcome.error())) run_.environment_failed(outcome.error());
    if (!outcome && run_.stopping()) throw interrupted{}; // who knows what failed because it was ended
    // Through JSON on the live path too: a replay gets nothing that a first run does not.
    const json::value stored = outcome ? to_stored(*outcome) : to_stored(outcome.error());
    now.end(outcome.has_value(), stored, still_cancelled);
    if (!outcome) co_return fault_from_stored(stored);
    co_return from_stored<value>(stored);
}

template <class T> awaitable<T> context::external(awaitable<T> what)
{
    performance now(*this, "external", json::object(), json::object());
    const bool heeds = co_await asio::this_coro::throw_if_cancelled();
    const bool was_cancelled =
        (co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none;
    graftline::parallel::outcome<T> gave;
    {
        const auto gone = now.away();
        gave = co_await graftline::parallel::settle(std::move(what));
    }
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto thrown = gave.has_value() ? nullptr : gave.error();
    const auto refused = co_await graftline::parallel::settle(now.come_back(thrown, was_cancelled));
    co_await asio::this_coro::throw_if_cancelled(heeds);
    refused.value();
    if constexpr (std::is_void_v<T>)
        gave.value();
    else
        co_return std::move(gave).value();
}

template <class T, class F, class R>
awaitable<R> fan_out::carry(replay::children group, context& parent, std::string path, F& make, T item)
{
    group.enter();
    const auto leave = std::shared_ptr<void>(nullptr, [group](void*) { group.leave(); });
    context own(parent.run_, std::move(path), false);
    co_return co_await make(own, std::move(item));
}

template <class T, class F, class R>
awaitable<std::vector<parallel::outcome<R>>> fan_out::map(std::vector<T> items, F make, parallel::options how)
{
    const context::wait alone(context_);
    const std::string path = context_.next_path();
    replay::children group(context_.run_.past(), path);
    std::vector<std::pair<std::size_t, T>> numbered;
    for (auto& item : items)
        numbered.emplace_back(numbered.size(), std::move(item));
    auto one = [&](std::pair<std::size_t, T> item) {
        return carry<T, F, R>(group, context_, path + "." + std::to_string(item.first), make,
                              std::move(item.second));
    };
    co_return co_await graftline::parallel::map(std::move(numbered), one, how);
}

template <class R>
awaitable<std::vector<parallel::outcome<R>>> fan_out::all(std::vector<child<R>> children,
                                                          parallel::options how)
{
    auto begin = [](context& ctx, child<R> body) -> awaitable<R> { co_return co_await body(ctx); };
    co_return co_await map(std::move(children), begin, how);
}

template <class R> awaitable<std::pair<std::size_t, R>> fan_out::race(std::vector<child<R>> children)
{
    const context::wait alone(context_);
    const std::string path = context_.next_path();
    replay::children group(context_.run_.past(), path);
    auto begin = [](context& ctx, child<R>* body) -> awaitable<R> { co_return co_await (*body)(ctx); };
    std::vector<awaitable<R>> runners;
    for (std::size_t i = 0; i < children.size(); ++i)
        runners.push_back(carry<child<R>*, decltype(begin), R>(
            group, context_, path + "." + std::to_string(i), begin, &children[i]));
    co_return co_await graftline::parallel::race(std::move(runners));
}

} // namespace graftline::effects
