#include "graftline/git/packs/pack_index.hpp"

#include "graftline/git/repository/scratch.hpp"

#include <string_view>

namespace graftline::git {
namespace {

std::uint32_t number_at(std::string_view text, std::size_t at) // big-endian
{
    std::uint32_t number = 0;
    for (const char byte : text.substr(at, 4))
        number = number << 8 | static_cast<unsigned char>(byte);
    return number;
}

} // namespace

result<std::vector<packed_entry>> read_pack_index(const std::filesystem::path& index, std::size_t id_size)
{
    constexpr std::string_view header("\377tOc\0\0\0\2", 8);
    constexpr std::size_t ids =
        header.size() + 256 * 4; // after the counts by first byte; the last is the total
    const std::string text = text_of(index);
    if (text.size() < ids || !text.starts_with(header))
        return fault(errc::unsupported, "an index of another version").with("file", index.string());
    const std::size_t total = number_at(text, ids - 4);
    const std::size_t checks = ids + total * id_size;
    const std::size_t offsets = checks + total * 4;
    if (text.size() < offsets + total * 4 + 2 * id_size)
        return fault(errc::corrupt, "an index that ends early").with("file", index.string());
    std::vector<packed_entry> entries;
    entries.reserve(total);
    for (std::size_t at = 0; at < total; ++at) {
        entries.push_back({text.substr(ids + at * id_size, id_size), number_at(text, offsets + at * 4),
                           number_at(text, checks + at * 4)});
        if (entries.back().offset >> 31)
            return fault(errc::unsupported, "a very large pack").with("file", index.string());
    }
    return entries;
}

} // namespace graftline::git
