/// What rows of the database carry so that a change of them by anything else is seen.
#pragma once

#include <boost/crc.hpp>

#include <cstdint>
#include <string_view>

namespace graftline::effects {

/// CRC-32C over all that is added.
class checksum {
public:
    void add(const void* bytes, std::size_t size) { sum_.process_bytes(bytes, size); }
    /// With its end: "ab", "c" is not "a", "bc".
    void add(std::string_view text)
    {
        sum_.process_bytes(text.data(), text.size());
        sum_.process_byte(0);
    }
    std::int64_t value() const { return sum_.checksum(); }

private:
    boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> sum_;
};

} // namespace graftline::effects
