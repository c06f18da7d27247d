/// Whether the disks that we work on can be written to at this moment.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <vector>

namespace graftline {

/// How far the bytes go: into the system's memory, where a full disk, a quota or a read-only file system
/// refuses them already, at the cost of some microseconds; or to the disk, which a broken one refuses.
enum class probe { accepted, flushed };

/// Writes some bytes to a nameless file in each of `folders`; nobody sees it, and it is gone at once. Errors:
/// the system's (no_space when a disk is full). A folder that is not there, or a file system without such
/// files, says nothing. Cancellation: not honoured, it is short.
awaitable<result<void>> try_writing(std::vector<std::filesystem::path> folders, probe how = probe::flushed);

} // namespace graftline
