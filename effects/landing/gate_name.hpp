/// What the folders of a gate are called.
#pragma once

#include <string>

namespace graftline::effects {

/// A fresh name for a gate of that run: what is left of it tells whose it was.
std::string gate_name(const std::string& run_id);

/// The run in such a name; empty when it is none.
std::string run_of_gate(const std::string& name);

} // namespace graftline::effects
