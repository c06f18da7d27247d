#include "graftline/git/objects/tree_cursor.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace graftline::git {
namespace {

struct known_mode {
    std::string_view text;
    entry_type type;
    bool executable;
};
constexpr std::array<known_mode, 5> modes{{{"100644", entry_type::file, false},
                                           {"40000", entry_type::tree, false},
                                           {"100755", entry_type::file, true},
                                           {"120000", entry_type::link, false},
                                           {"160000", entry_type::submodule, false}}};

/// The bytes of the first entry, 0 if there is no whole one.
std::size_t entry_size(std::string_view bytes) noexcept
{
    const auto name_end = bytes.find('\0');
    if (name_end == bytes.npos || bytes.size() - name_end - 1 < GIT_OID_RAWSZ) return 0;
    return name_end + 1 + GIT_OID_RAWSZ;
}

bool has_known_mode(std::string_view bytes) noexcept
{
    return std::ranges::any_of(modes, [&](const known_mode& mode) {
        const std::size_t size = mode.text.size();
        return bytes.size() > size && bytes[size] == ' ' && bytes.starts_with(mode.text);
    });
}

/// How many bytes the two have in common from their beginnings on.
std::size_t common_bytes(std::string_view one, std::string_view other) noexcept
{
    constexpr std::size_t block = 256;
    const std::size_t end = std::min(one.size(), other.size());
    std::size_t at = 0;
    while (end - at >= block && std::memcmp(one.data() + at, other.data() + at, block) == 0)
        at += block;
    while (at < end && one[at] == other[at])
        ++at;
    return at;
}

} // namespace

bool tree_entry::same_as(const tree_entry& other) const noexcept
{
    if (type != other.type || executable != other.executable) return false;
    return type == entry_type::none || std::memcmp(id.id, other.id.id, GIT_OID_RAWSZ) == 0;
}

std::string_view mode_text(entry_type type, bool executable) noexcept
{
    for (const known_mode& mode : modes)
        if (mode.type == type && mode.executable == executable) return mode.text;
    return {};
}

int compare_places(const tree_entry& one, const tree_entry& other) noexcept
{
    const std::size_t common = std::min(one.name.size(), other.name.size());
    if (const int order = std::memcmp(one.name.data(), other.name.data(), common); order != 0) return order;
    const auto next = [common](const tree_entry& entry) -> int {
        if (entry.name.size() > common) return static_cast<unsigned char>(entry.name[common]);
        return entry.is_tree() ? '/' : 0;
    };
    return next(one) - next(other);
}

void tree_cursor::read()
{
    entry_ = tree_entry();
    if (rest_.empty()) return;
    const std::size_t size = entry_size(rest_);
    const std::size_t space = rest_.substr(0, 7).find(' ');
    const std::string_view mode = space == rest_.npos ? std::string_view() : rest_.substr(0, space);
    const auto* known = std::ranges::find(modes, mode, &known_mode::text);
    if (size == 0 || known == modes.end() || size <= space + 2 + GIT_OID_RAWSZ) {
        strange_ = true;
        rest_ = {};
        return;
    }
    entry_.raw = rest_.substr(0, size);
    entry_.name = rest_.substr(space + 1, size - space - 2 - GIT_OID_RAWSZ);
    std::memcpy(entry_.id.id, rest_.data() + size - GIT_OID_RAWSZ, GIT_OID_RAWSZ);
    entry_.type = known->type;
    entry_.executable = known->executable;
}

std::size_t common_entries(std::string_view one, std::string_view two, std::string_view three) noexcept
{
    const std::size_t common = common_bytes(one.substr(0, common_bytes(one, two)), three);
    std::size_t whole = 0;
    for (std::string_view rest = one.substr(0, common);;) {
        const std::size_t size = has_known_mode(rest) ? entry_size(rest) : 0;
        if (size == 0) return whole;
        whole += size;
        rest.remove_prefix(size);
    }
}

} // namespace graftline::git
