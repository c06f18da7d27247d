/// Effects, and the context that carries them out and writes them to the journal.
#pragma once

#include "graftline/effects/run.hpp"
#include "graftline/effects/stored_json.hpp"

#include <concepts>
#include <string>
#include <string_view>

namespace graftline::effects {

/// One step of a task: a described struct whose members are its arguments, with a name, a described result,
/// and how it is done. `carry_out` gives faults as values; its exceptions mean cancelled, interrupted or a
/// bug.
template <class E>
concept effect = requires(const E& e, run& r) {
    { E::kind } -> std::convertible_to<std::string_view>;
    typename E::outcome;
    { e.carry_out(r) } -> std::same_as<awaitable<result<typename E::outcome>>>;
};

/// A place in the tree of effects. Effects performed here are numbered in order below its path, so that the
/// same program gives the same ids however its tasks interleave. Every parallel child has a context of its
/// own.
class context {
public:
    context(run& r, std::string path) : run_(r), path_(std::move(path)) {}
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    /// Carries `e` out and journals it: requested, started, resolved. Throws fault_error with its fault;
    /// throws interrupted, and records no outcome, once the run is being stopped.
    template <effect E> awaitable<typename E::outcome> perform(E e)
    {
        auto outcome = co_await try_perform(std::move(e));
        co_return std::move(outcome.value());
    }

    /// The same for bodies that act on a failure.
    template <effect E> awaitable<result<typename E::outcome>> try_perform(E e);

    run& in() noexcept { return run_; }
    const std::string& path() const noexcept { return path_; }
    std::string next_path() { return path_ + "." + std::to_string(count_++); }

private:
    awaitable<void> record_start(const std::string& path, std::string_view kind, json::value arguments);
    awaitable<void> record_end(const std::string& path, bool done, json::value outcome);

    run& run_;
    std::string path_;
    int count_ = 0;
    bool waiting_ = false;
};

json::value to_stored(const fault& f);

template <effect E> awaitable<result<typename E::outcome>> context::try_perform(E e)
{
    if (waiting_)
        throw std::logic_error("perform on a context that already waits: give each parallel child its own");
    if (run_.is_over()) throw interrupted{};
    const std::string path = next_path();
    co_await record_start(path, E::kind, to_stored(e));
    waiting_ = true;
    result<typename E::outcome> outcome = fault(errc::internal, "no outcome");
    std::exception_ptr escaped;
    try {
        outcome = co_await e.carry_out(run_);
    } catch (...) {
        escaped = std::current_exception();
    }
    waiting_ = false;
    if (escaped) std::rethrow_exception(escaped); // cancelled, interrupted or a bug: not an outcome
    if (!outcome) {
        co_await record_end(path, false, to_stored(outcome.error()));
        co_return outcome.error();
    }
    // Through JSON on the live path too: a replay gets nothing that a first run does not.
    json::value stored = to_stored(*outcome);
    co_await record_end(path, true, stored);
    co_return from_stored<typename E::outcome>(stored);
}

} // namespace graftline::effects
