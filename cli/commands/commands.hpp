/// The commands, one file each. Each gives the exit status, or throws fault_error.
#pragma once

#include "graftline/cli/session/session.hpp"

namespace graftline::cli {

awaitable<int> carry_out(session& s, run_arguments asked);
awaitable<int> carry_out(session& s, create_arguments asked);
awaitable<int> carry_out(session& s, status_arguments asked);
awaitable<int> carry_out(session& s, logs_arguments asked);
awaitable<int> carry_out(session& s, diff_arguments asked);
awaitable<int> carry_out(session& s, check_arguments asked);
awaitable<int> carry_out(session& s, commit_arguments asked);
awaitable<int> carry_out(session& s, land_arguments asked);
awaitable<int> carry_out(session& s, undo_arguments asked);
awaitable<int> carry_out(session& s, retry_arguments asked);
awaitable<int> carry_out(session& s, resume_arguments asked);
awaitable<int> carry_out(session& s, events_arguments asked);
awaitable<int> carry_out(session& s, cancel_arguments asked);
awaitable<int> carry_out(session& s, discard_arguments asked);
awaitable<int> carry_out(session& s, clean_arguments asked);
awaitable<int> carry_out(session& s, shell_arguments asked);
awaitable<int> carry_out(session& s, doctor_arguments asked);
awaitable<int> carry_out(session& s, merge_tree_arguments asked);
awaitable<int> carry_out(session& s, completion_arguments asked);

/// Says on standard error which runs can be gone on with.
awaitable<void> tell_of_interrupted_runs(session& s, std::shared_ptr<effects::project> in);

} // namespace graftline::cli
