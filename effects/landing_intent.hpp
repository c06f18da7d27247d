/// What a landing is about to do to somebody's checkout, kept in the store until it is done: whoever comes
/// after a crash mends it.
#pragma once

#include "graftline/effects/project.hpp"
#include "graftline/git/move_target.hpp"

namespace graftline::effects {

std::string to_text(const git::move_intent& intent);
/// Corrupt for what `to_text` did not write.
result<git::move_intent> intent_from_text(const std::string& text);

/// Ends what crashed landings left of their moves: locks that git left behind, files half written. Those of
/// tasks whose run lives are left alone. Result: how many there were. Errors: corrupt, naming the paths, when
/// somebody has edited a half-written file; nothing of it is changed then.
awaitable<result<std::size_t>> recover_landings(std::shared_ptr<project> in);

} // namespace graftline::effects
