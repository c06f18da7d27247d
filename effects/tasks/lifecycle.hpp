/// The life of a task: its states, the table of transitions, and what may be asked of a task in each state.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <boost/describe/enum.hpp>

#include <optional>
#include <string_view>

namespace graftline::effects {

enum class task_state { pending, running, completed, failed, merged, discarded, conflicted, cancelled };
BOOST_DESCRIBE_ENUM(task_state, pending, running, completed, failed, merged, discarded, conflicted, cancelled)

/// What a person or a program may ask of a task.
enum class operation { start, commit, land, undo, retry, cancel, discard, clean };

std::string_view to_string(task_state state) noexcept;
std::string_view to_string(operation asked) noexcept;
std::optional<task_state> state_named(std::string_view name) noexcept;

/// True when the table of transitions has an edge from `from` to `to`. Staying where one is needs no edge.
bool may_become(task_state from, task_state to) noexcept;

/// Refused with both states named when the table has no such edge.
result<void> check_transition(std::string_view task, task_state from, task_state to);

/// Refused, with what may be done instead, when `asked` is not for a task in `state`.
result<void> check_operation(std::string_view task, task_state state, operation asked);

/// True for a task that nobody will change any more: merged or discarded.
bool is_over(task_state state) noexcept;

} // namespace graftline::effects
