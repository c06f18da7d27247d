/// Whether what ended an agent may be gone in a while.
#pragma once

#include <string_view>

namespace graftline::agents {

/// True when the end of an agent's output says that the one it works for, or the way there, was busy: a rate
/// limit, an overloaded server, a lost connection. Takes any bytes, in whatever format the agent prints. What
/// will not pass by waiting (no credit, a quota that is used up, a wrong key) makes it false.
bool may_pass(std::string_view last_output);

} // namespace graftline::agents
