/// Rows of tasks and runs: how they are summed up, written and read back.
#pragma once

#include "graftline/effects/sqlite.hpp"
#include "graftline/effects/stored_json.hpp"

#include <boost/json/parse.hpp>
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

/// A stored record. Errors: corrupt.
template <class T> result<T> parse_record(const std::string& text)
{
    boost::system::error_code failed;
    const auto parsed = boost::json::parse(text, failed);
    if (failed) return fault(errc::corrupt, "a stored record is not JSON").with("cause", failed.message());
    return from_stored<T>(parsed);
}

template <class T> std::string record_text(const T& value)
{
    return boost::json::serialize(to_stored(value));
}

} // namespace graftline::effects
