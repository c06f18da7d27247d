/// The state as JSON files that other tools read: copies of what the store says, never read back.
#pragma once

#include "graftline/effects/store/store.hpp"

namespace graftline::effects {

/// Brings `folder`/task_state.json, all tasks, and `folder`/tasks/<id>/task_state.json for each up to date,
/// so that they are there wholly or not at all; files that would not change are left alone. Costs what has
/// changed since the last time, and a copy of the file of all. Throws fault_error.
void write_views(store& from, const std::filesystem::path& folder);

/// A task with the keys that such tools know: task_id, branch_name, worktree_path, base_branch, status,
/// created_at, metadata.
json::object to_view(const task& t);

} // namespace graftline::effects
