/// What rows of the database carry so that a change of them by anything else is seen.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace graftline::effects {

/// CRC-32C over all that is added.
class checksum {
public:
    void add(const void* bytes, std::size_t size) noexcept;
    /// With its end: "ab", "c" is not "a", "bc".
    void add(std::string_view text) noexcept
    {
        add(text.data(), text.size());
        add("", 1);
    }
    std::int64_t value() const noexcept { return static_cast<std::uint32_t>(~state_); }

private:
    std::uint32_t state_ = ~std::uint32_t{0};
};

} // namespace graftline::effects
