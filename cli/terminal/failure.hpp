/// What went wrong as a person and a calling script see it.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <string>

namespace graftline::cli {

/// The exit statuses of the command, as the interface promises them.
namespace exit_status {
constexpr int done = 0, not_all = 1, usage = 2, unusable = 3, interrupted = 130;
}

/// The exit status of a command that ends with `f`.
int exit_status_of(const fault& f);

/// "graftline: what happened", its context and the next step, harmless, with the last line's end.
std::string message_of(const fault& f);

} // namespace graftline::cli
