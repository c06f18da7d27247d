/// Rows of tasks and runs: how they are summed up, written and read back.
#pragma once

#include "graftline/effects/db/sqlite.hpp"
#include "graftline/effects/db/stored_json.hpp"
#include "graftline/runtime/base/json_text.hpp"

#include <boost/json/serialize.hpp>

#include <filesystem>
#include <initializer_list>
#include <string>
#include <string_view>

namespace graftline::effects {

// What is summed up, with the record at its end; then the checksum. The first column names the row.
inline const std::string task_rows = "SELECT id, key, run, state, record, checksum FROM tasks ";
inline const std::string run_rows = "SELECT id, number, record, checksum FROM runs ";
inline constexpr int summed_in_task = 5, summed_in_run = 3;

/// The checksum over the columns of one row.
std::int64_t sum_of(std::initializer_list<std::string_view> columns);

/// Throws corrupt, naming the row, when the first `summed` columns are not what the checksum after them says.
void check_row(const statement& row, int summed, const char* table, const std::filesystem::path& folder);

/// Corrupt: the row does not read back.
fault bad_row(const statement& row, const char* table, const std::filesystem::path& folder);

/// A stored record. Errors: corrupt.
template <class T> result<T> parse_record(const std::string& text)
{
    const auto parsed = parse_json(text);
    if (!parsed) return parsed.error();
    return from_stored<T>(*parsed);
}

/// Throws invalid when the text would not read back: no row is damaged by its own writer.
template <class T> std::string record_text(const T& value)
{
    auto text = boost::json::serialize(to_stored(value));
    if (const auto back = parse_record<T>(text); !back)
        throw fault_error(
            fault(errc::invalid, "a record cannot be kept").with("cause", back.error().message()));
    return text;
}

/// The record of a row that was summed up right, in its last column but one.
template <class T>
T record_in(const statement& row, int summed, const char* table, const std::filesystem::path& folder)
{
    check_row(row, summed, table, folder);
    auto read = parse_record<T>(row.text(summed - 1));
    if (!read) throw fault_error(bad_row(row, table, folder).with("cause", read.error().message()));
    return std::move(*read);
}

} // namespace graftline::effects
