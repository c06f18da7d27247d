/// What run, retry and land have in common: progress, interruption, the result and its exit status.
#pragma once

#include "graftline/cli/session/session.hpp"
#include "graftline/effects/run_tasks.hpp"

#include <functional>

namespace graftline::cli {

using start_run =
    std::function<awaitable<result<effects::run_report>>(effects::observer&, effects::stop_button&)>;

/// Carries `start` out with progress on standard error; the first signal presses its button, the second kills
/// the agents of `tasks`. Then prints the summary, or the JSON of the interface. Result: the exit status.
awaitable<int> carry_out_visibly(session& s, std::shared_ptr<effects::project> in,
                                 std::vector<effects::task> tasks, bool json, start_run start);

} // namespace graftline::cli
