/// The effect that waits for something outside: a command is run again and again until it passes.
#pragma once

#include "graftline/effects/run/effect_place.hpp"
#include "graftline/effects/run/run.hpp"

#include <boost/describe.hpp>

namespace graftline::effects {

struct polled {
    bool passed = false; ///< false: the deadline came first
    int tries = 0;       ///< by the process that saw the end
};
BOOST_DESCRIBE_STRUCT(polled, (), (passed, tries))

/// Runs `words` in the repository's main work tree until it exits 0, `every_ms` after each end, for at most
/// `limit_ms` from when it first began: a run that is gone on with does not wait from the start again.
/// Errors: could_not_start. Cancellation: terminal; the command is ended and waited for.
struct poll {
    static constexpr std::string_view kind = "poll";
    using outcome = polled;

    std::vector<std::string> words;
    std::int64_t every_ms = 10'000;
    std::int64_t limit_ms = 3'600'000;

    awaitable<result<polled>> carry_out(run& r, const effect_place& here) const;
};
BOOST_DESCRIBE_STRUCT(poll, (), (words, every_ms, limit_ms))

} // namespace graftline::effects
