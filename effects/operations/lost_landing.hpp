/// Landings that were recorded and did not outlive a power cut.
#pragma once

#include "graftline/effects/store/project.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace graftline::effects {

/// Looks whether the target of a merged task has its landing; one from before `since` is taken for granted.
/// If neither the target nor its reflog has it, the task is completed again, with its branch at what it had
/// made. Result: a sentence about it; nullopt when the landing is there, was taken off by somebody, or cannot
/// be looked for. Throws fault_error.
awaitable<std::optional<std::string>> look_for_landing(std::shared_ptr<project> in, const task& t,
                                                       std::chrono::system_clock::time_point since);

} // namespace graftline::effects
