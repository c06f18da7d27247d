/// Deleting a folder and nothing else.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <filesystem>

namespace graftline::git {

/// Deletes `folder` and all in it. Blocks: run it by `offload`. Symbolic links are deleted, never followed;
/// folders that may not be written to are made writable first; what is gone already does not matter. Errors:
/// refused, where another file system is mounted inside (nothing below that point is deleted); the system's.
result<void> delete_folder(const std::filesystem::path& folder);

} // namespace graftline::git
