/// Small files that people write.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <string>

namespace graftline::agents {

/// The whole text of a file of at most 16 MiB.
/// Errors: not_found; invalid, for a folder, a device or a file that is larger; the system's.
result<std::string> read_text_file(const std::filesystem::path& file);

} // namespace graftline::agents
