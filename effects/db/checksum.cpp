#include "graftline/effects/db/checksum.hpp"

#include <array>
#include <bit>
#include <cstring>

namespace graftline::effects {
namespace {

/// What a byte does to the sum when so many other bytes follow it.
using tables = std::array<std::array<std::uint32_t, 256>, 8>;

constexpr tables make_tables()
{
    tables all{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t sum = byte;
        for (int bit = 0; bit < 8; ++bit)
            sum = (sum >> 1) ^ ((sum & 1) != 0 ? 0x82F63B78U : 0U);
        all[0][byte] = sum;
    }
    for (std::size_t following = 1; following < all.size(); ++following)
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const auto before = all[following - 1][byte];
            all[following][byte] = (before >> 8) ^ all[0][before & 0xFF];
        }
    return all;
}

constexpr tables effect_of = make_tables();

} // namespace

void checksum::add(const void* bytes, std::size_t size) noexcept
{
    const auto* at = static_cast<const unsigned char*>(bytes);
    if constexpr (std::endian::native == std::endian::little)
        for (; size >= 8; size -= 8, at += 8) { // eight at once: every row that is read is summed up
            std::uint64_t eight;
            std::memcpy(&eight, at, sizeof eight);
            eight ^= state_;
            state_ = 0;
            for (std::size_t i = 0; i < 8; ++i)
                state_ ^= effect_of[7 - i][(eight >> (8 * i)) & 0xFF];
        }
    for (; size > 0; --size, ++at)
        state_ = (state_ >> 8) ^ effect_of[0][(state_ ^ *at) & 0xFF];
}

} // namespace graftline::effects
