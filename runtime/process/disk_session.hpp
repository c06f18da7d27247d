/// Whether the disk may have forgotten something since.
#pragma once

#include <filesystem>
#include <string>

namespace graftline {

/// One use of the disk that `folder` lies on: from the mounting of it, in one boot of the machine. While the
/// text is the same, whatever was written there reads as it was written; after a power cut of the machine, or
/// of the disk alone, it is another. Not empty also where there is no such folder.
std::string disk_session_of(const std::filesystem::path& folder);

} // namespace graftline
