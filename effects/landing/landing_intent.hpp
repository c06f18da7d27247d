/// What a landing is about to do to somebody's checkout, kept in the store until it is done: whoever comes
/// after a crash mends it.
#pragma once

#include "graftline/effects/store/project.hpp"
#include "graftline/git/landing/move_target.hpp"

namespace graftline::effects {

/// One task's part in a move: several may move a target at once.
struct landing_step {
    std::string task;
    std::string onto;   ///< what its commit was put on
    std::string commit; ///< its own on the way to where the target moves
    bool undoes = false;
};

std::string to_text(const git::move_intent& intent, const landing_step& step);
/// Corrupt for what `to_text` did not write.
result<std::pair<git::move_intent, landing_step>> intent_from_text(const std::string& text);

/// Writes down what is about to happen, for every task that takes part, before the target moves.
git::intent_callback keep_intents(project& in, std::vector<landing_step> steps);
/// Nothing has moved: there is nothing to mend.
awaitable<result<void>> forget_intents(project& in, const std::vector<landing_step>& steps);

/// Ends what crashed landings left of their moves: locks that git left behind, files half written. A task
/// whose commit is in the target's history has landed, and is recorded so. Those of tasks whose run lives are
/// left alone. Result: how many there were. Errors: corrupt, naming the paths, when
/// somebody has edited a half-written file; nothing of it is changed then.
awaitable<result<std::size_t>> recover_landings(std::shared_ptr<project> in);

} // namespace graftline::effects
