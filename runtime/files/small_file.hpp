/// Small files that may have been replaced by something that is none.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>

namespace graftline {

/// The whole text of a file; nullopt when nothing is there. A link is followed. What is no file is never
/// waited for, as a pipe is by an ordinary open. Errors: corrupt, naming what lies there instead; the
/// system's, EFBIG when there is more than `limit`.
result<std::optional<std::string>>
read_small_file(const std::filesystem::path& file,
                std::size_t limit = std::numeric_limits<std::size_t>::max());

/// What a mode of `stat` stands for, for a person: "a pipe", "a folder".
const char* kind_of_file(mode_t mode);

} // namespace graftline
