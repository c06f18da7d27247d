/// The name of a git object: SHA-1 or SHA-256, in hex.
#pragma once

#include <algorithm>
#include <compare>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace graftline::git {

/// A whole object id as git prints it. A value; nothing is said about whether the object exists.
class oid {
public:
    /// The null id: no object, and as an expected value "the ref must not exist".
    oid() : hex_(40, '0') {}
    /// Takes git's own output; use `parse` for anything else.
    explicit oid(std::string hex) : hex_(std::move(hex)) {}

    /// `text` as an id, or nullopt if it is not 40 or 64 hex digits.
    static std::optional<oid> parse(std::string_view text)
    {
        if (text.size() != 40 && text.size() != 64) return std::nullopt;
        std::string hex(text);
        for (char& c : hex) {
            if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
            if ((c < '0' || c > '9') && (c < 'a' || c > 'f')) return std::nullopt;
        }
        return oid(std::move(hex));
    }

    const std::string& hex() const noexcept { return hex_; }
    /// The first ten digits: for people, never for git.
    std::string short_hex() const { return hex_.substr(0, 10); }
    bool is_null() const noexcept
    {
        return std::all_of(hex_.begin(), hex_.end(), [](char c) { return c == '0'; });
    }

    friend bool operator==(const oid&, const oid&) = default;
    friend auto operator<=>(const oid&, const oid&) = default;

private:
    std::string hex_;
};

} // namespace graftline::git

template <> struct std::hash<graftline::git::oid> {
    std::size_t operator()(const graftline::git::oid& id) const noexcept
    {
        return std::hash<std::string>()(id.hex());
    }
};
