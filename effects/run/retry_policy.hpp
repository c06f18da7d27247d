/// When an effect that failed is tried again by itself, when once the machine is well again, and when never.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <chrono>

namespace graftline::effects {

/// Of one kind of effect: `static constexpr retry_policy retries{...}`. Without one, one attempt is made.
struct retry_policy {
    int attempts = 1;                     ///< at most, the first included
    std::chrono::milliseconds first{200}; ///< longest pause after the first attempt; doubles each time
    std::chrono::milliseconds longest{10'000};
};

/// A fault that may be gone in a moment: somebody holds a lock, the system is short of something for now.
/// What was refused, is invalid or failed by its own doing fails again.
bool is_worth_another_attempt(const fault& why) noexcept;

/// The machine's, not the effect's own: a disk that is full, read-only or broken, no memory, no descriptors.
/// What was asked for can be had once that is mended, so it is an interruption and no outcome.
bool is_of_the_environment(const fault& why) noexcept;

/// The pause after the attempt number `attempt` (from 1): anything up to the doubled limit, evenly, so that
/// those who failed together do not come back together ("full jitter").
std::chrono::milliseconds pause_after(int attempt, const retry_policy& policy);

} // namespace graftline::effects
