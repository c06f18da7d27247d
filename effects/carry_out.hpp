/// A run over tasks that are stored: admission, dependencies, stopping.
#pragma once

#include "graftline/effects/run_tasks.hpp"

#include <functional>
#include <string_view>

namespace graftline::effects {

/// Are runs of this program gone on with by replay?
inline bool is_replayed(std::string_view program)
{
    return program == "run" || program == "retry";
}

/// Can runs of this program be resumed? Landings and undoings are by asking for them again.
inline bool is_gone_on_with(std::string_view program)
{
    return is_replayed(program) || program == "land" || program == "undo";
}

/// Carries the stored tasks `ids` out as one run; see run_tasks for everything else. All are taken first,
/// with `ready` applied in the same transaction, which may refuse by throwing fault_error: none is carried
/// out then.
awaitable<result<run_report>> carry_out(std::shared_ptr<project> in, std::vector<std::string> ids,
                                        run_options options, observer& watcher, stop_button& button,
                                        std::function<void(task&)> ready);

/// Runs `body` as the body of a new run and reports on `ids` afterwards. Pressing the button cancels the
/// body, which is waited for. Faults that escape the body end the run with that fault, and so does one of the
/// environment.
awaitable<result<run_report>> as_run(std::shared_ptr<project> in, std::vector<std::string> ids,
                                     run_options options, observer& watcher, stop_button& button,
                                     std::function<awaitable<void>(run&)> body);

} // namespace graftline::effects
