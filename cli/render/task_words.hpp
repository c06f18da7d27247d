/// What is said of a task, the same everywhere: its colour, what became of it, what to do next.
#pragma once

#include "graftline/cli/terminal/terminal.hpp"
#include "graftline/effects/tasks/task.hpp"

#include <string>
#include <vector>

namespace graftline::cli {

tint tint_of(effects::task_state state) noexcept;

/// True when it has got where it was asked to go.
bool reached(const effects::task& t) noexcept;

/// True when the run that carries it out has nothing more to do for it.
bool is_at_rest(const effects::task& t) noexcept;

/// The first line of its description, harmless, at most `columns` wide.
std::string shown_title(const effects::task& t, std::size_t columns);

/// "0.2500 USD"; "cost unknown" where no agent told any; "at least …" where not all did.
std::string cost_text(const effects::token_usage& used);

/// Commands to go on with, the likeliest first; none for what is over.
std::vector<std::string> next_steps(const effects::task& t);

/// The last `count` lines of what failed it: of the gate that rejected it, else of its agent; its standard
/// error where that says anything. Harmless.
std::vector<std::string> last_output(const effects::task& t, std::size_t count);

} // namespace graftline::cli
