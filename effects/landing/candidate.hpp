/// A change put on a commit, without a checkout: what a target may move to.
#pragma once

#include "graftline/effects/landing/landing.hpp"
#include "graftline/effects/run/run.hpp"
#include "graftline/git/packs/kept_objects.hpp"

#include <memory>
#include <variant>

namespace graftline::effects {

/// Put cleanly. Its objects are in the repository and kept from garbage collection while a copy of this
/// lives.
struct candidate {
    git::oid onto;
    git::oid commit;
    git::oid tree;
    std::shared_ptr<git::kept_objects> kept;
};

/// A candidate, or why there is none: conflicted, up_to_date.
using placed = std::variant<candidate, landing>;

/// Merges, squashes or replays the change on `onto`. No ref moves. Errors: what git said. Cancellation:
/// terminal; objects that were written are collected some day.
awaitable<result<placed>> place(run& r, landing_request what, git::oid onto);

} // namespace graftline::effects
