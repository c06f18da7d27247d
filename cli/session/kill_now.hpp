/// The end of patience: agents killed without waiting for anything.
#pragma once

#include <filesystem>

namespace graftline::cli {

/// Tells the supervisor of every attempt below `folder` that still lives to kill its whole tree. Returns at
/// once. What cannot be told is left to the next command that looks.
void kill_attempts(const std::filesystem::path& folder) noexcept;

} // namespace graftline::cli
