/// The index that git keeps beside a pack.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace graftline::git {

/// One object of a pack.
struct packed_entry {
    std::string id; ///< raw, not hex
    std::uint32_t offset = 0;
    std::uint32_t check = 0; ///< CRC-32 of what lies in the pack
};

/// All of them, in the order of their ids. Errors: unsupported when it is not of version 2 with ids of this
/// many bytes, or its pack is larger than two gigabytes; corrupt.
result<std::vector<packed_entry>> read_pack_index(const std::filesystem::path& index, std::size_t id_size);

} // namespace graftline::git
