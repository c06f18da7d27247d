/// What is found, and what becomes of it, when the power has gone at a moment of a recorded run.
#pragma once

#include "tests/power/recorded_run.hpp"

#include <string>
#include <vector>

namespace graftline::test {

/// The machine is started again with what is left on the disk. Gives what is not as it must be, each
/// beginning with one word for its kind: "lost" (something that was said), "emptied" (a file on the target,
/// or of the checkout, is not what was made), "unread" (git or graftline cannot read what is there),
/// "unfinished" (resume did not come to the whole result), "left" (something that should have been removed).
std::vector<std::string> wrong_after(const power_lab& lab, const recorded_run& run, const power_cut& cut);

} // namespace graftline::test
