#include "graftline/effects/tasks/lifecycle.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <string>

namespace graftline::effects {
namespace {

using enum task_state;

struct edge {
    task_state from;
    task_state to;
};

// The whole life of a task. pending: not carried out yet, or interrupted; by hand it may complete at once.
constexpr std::array transitions{
    edge{pending, running},     edge{pending, completed},    edge{pending, failed},
    edge{pending, cancelled},   edge{pending, discarded},    edge{running, pending},
    edge{running, completed},   edge{running, failed},       edge{running, cancelled},
    edge{completed, merged},    edge{completed, conflicted}, edge{completed, failed},
    edge{completed, discarded}, edge{failed, pending},       edge{failed, completed},
    edge{failed, discarded},    edge{conflicted, pending},   edge{conflicted, merged},
    edge{conflicted, failed},   edge{conflicted, completed}, edge{conflicted, discarded},
    edge{cancelled, pending},   edge{cancelled, completed},  edge{cancelled, discarded},
    edge{merged, completed}, // undone
};

struct gating {
    operation asked;
    unsigned states; ///< a bit for each
    std::string_view else_do;
};

constexpr unsigned set_of(std::same_as<task_state> auto... states)
{
    return ((1U << static_cast<unsigned>(states)) | ...);
}

// What each operation is for.
constexpr std::array gates{
    gating{operation::start, set_of(pending), "Retry it, land it or discard it."},
    gating{operation::commit, set_of(pending, running, completed, failed, conflicted, cancelled),
           "Land it or discard it."},
    gating{operation::land, set_of(completed, conflicted),
           "Retry it, finish it by hand (graftline commit), or discard it."},
    gating{operation::undo, set_of(merged), "It has not landed: discard it."},
    gating{operation::retry, set_of(pending, failed, conflicted, cancelled), "Land it or discard it."},
    gating{operation::cancel, set_of(pending, running), "It is not running any more."},
    gating{operation::discard, set_of(pending, completed, failed, conflicted, cancelled), "Cancel it first."},
    gating{operation::clean, set_of(merged, discarded), "Land it or discard it first."},
};

constexpr std::array<std::string_view, 8> state_names{"pending", "running",   "completed",  "failed",
                                                      "merged",  "discarded", "conflicted", "cancelled"};
constexpr std::array<std::string_view, 8> operation_names{"start", "commit", "land",    "undo",
                                                          "retry", "cancel", "discard", "clean"};

} // namespace

std::string_view to_string(task_state state) noexcept
{
    return state_names[static_cast<std::size_t>(state)];
}

std::string_view to_string(operation asked) noexcept
{
    return operation_names[static_cast<std::size_t>(asked)];
}

std::optional<task_state> state_named(std::string_view name) noexcept
{
    const auto found = std::ranges::find(state_names, name);
    if (found == state_names.end()) return std::nullopt;
    return static_cast<task_state>(found - state_names.begin());
}

bool may_become(task_state from, task_state to) noexcept
{
    return from == to ||
           std::ranges::any_of(transitions, [&](edge e) { return e.from == from && e.to == to; });
}

result<void> check_transition(std::string_view task, task_state from, task_state to)
{
    if (may_become(from, to)) return {};
    return fault(errc::refused, "a task that is " + std::string(to_string(from)) + " cannot become " +
                                    std::string(to_string(to)))
        .with("task", std::string(task));
}

result<void> check_operation(std::string_view task, task_state state, operation asked)
{
    const auto row = std::ranges::find(gates, asked, &gating::asked);
    if ((row->states & set_of(state)) != 0) return {};
    fault refusal(errc::refused, "cannot " + std::string(to_string(asked)) + " a task that is " +
                                     std::string(to_string(state)));
    refusal.with("task", std::string(task));
    if (is_over(state))
        refusal.advise("It is over: nothing changes it any more.");
    else if (state == pending && asked == operation::land)
        refusal.advise("It has not been carried out yet.");
    else if (state == running && asked != operation::cancel)
        refusal.advise("Wait until it ends, or cancel it first: graftline cancel " + std::string(task));
    else
        refusal.advise(std::string(row->else_do));
    return refusal;
}

bool is_over(task_state state) noexcept
{
    return state == merged || state == discarded;
}

} // namespace graftline::effects
