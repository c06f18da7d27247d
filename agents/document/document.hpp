/// JSON and TOML files as one tree whose parts know where they stand, so that what is wrong can be shown.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <boost/json/value.hpp>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace graftline::agents {

/// Counted from 1; columns in characters.
struct place {
    std::size_t line = 1;
    std::size_t column = 1;
    auto operator<=>(const place&) const = default;
};

struct document_value;
struct document_member;
using document_list = std::vector<document_value>;
using document_table = std::vector<document_member>; ///< in the order written; no key twice

/// One value. Dates of TOML are strings here.
struct document_value {
    place where;
    std::variant<std::nullptr_t, bool, std::int64_t, double, std::string, document_list, document_table>
        value;
};

struct document_member {
    std::string key;
    place where; ///< of the key
    document_value value;
};

/// Reads a whole text. Errors: invalid, as "file:line:column: what is wrong", also for a key that is there
/// twice.
result<document_value> read_json(std::string_view text, std::string_view file);
result<document_value> read_toml(std::string_view text, std::string_view file);

boost::json::value to_json(const document_value& v);

/// "file:line:column: what"
fault fault_at(std::string_view file, place where, std::string_view what);

} // namespace graftline::agents
