#include "graftline/effects/db/checksum.hpp"

#include <boost/crc.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace graftline::effects {
namespace {

TEST(Checksum, IsTheOneThatIsInDatabases)
{
    checksum sum;
    sum.add("123456789", 9);
    EXPECT_EQ(sum.value(), 0xE3069283) << "the check value of CRC-32C";
    EXPECT_EQ(checksum().value(), 0);
}

TEST(Checksum, OfAnyBytesInAnyPiecesIsTheSame)
{
    std::minstd_rand chance(3);
    for (std::size_t size = 0; size < 300; ++size) {
        std::string bytes(size, '\0');
        std::ranges::generate(bytes, [&] { return static_cast<char>(chance()); });
        boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> plain;
        plain.process_bytes(bytes.data(), bytes.size());
        checksum sum;
        for (std::size_t at = 0; at < size;) {
            const auto piece = std::min<std::size_t>(1 + chance() % 40, size - at);
            sum.add(bytes.data() + at, piece);
            at += piece;
        }
        ASSERT_EQ(sum.value(), std::int64_t{plain.checksum()}) << size;
    }
}

TEST(Checksum, KnowsWhereATextEnds)
{
    checksum one, other;
    one.add("ab");
    one.add("c");
    other.add("a");
    other.add("bc");
    EXPECT_NE(one.value(), other.value());
}

} // namespace
} // namespace graftline::effects
