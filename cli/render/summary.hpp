/// The end of a run as a person reads it.
#pragma once

#include "graftline/cli/terminal/terminal.hpp"
#include "graftline/effects/run_tasks.hpp"

#include <string>

namespace graftline::cli {

/// Every task with its state, what landed where, why it did not, and the next command.
std::string summary_of(const effects::run_report& report, const terminal& on);

/// One task's part of it.
std::string outcome_of(const effects::task& t, const terminal& on);

} // namespace graftline::cli
