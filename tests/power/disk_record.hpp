/// What a logging disk writes into its log: one record after the other, each followed by its contents.
#pragma once

#include <cstdint>

namespace graftline::test {

enum class disk_event : std::uint8_t {
    write = 'w', ///< `length` bytes at `offset`; they follow
    zero = 'z',  ///< `length` bytes at `offset` read as zeros from now on; nothing follows
    flush = 'f', ///< what was written before is safe; nothing follows
    mark = 'm',  ///< a line that was given to the disk; `length` bytes follow
};

struct disk_record {
    disk_event event;
    std::uint64_t offset;
    std::uint64_t length;
};

} // namespace graftline::test
