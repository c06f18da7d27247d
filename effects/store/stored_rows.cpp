#include "graftline/effects/store/stored_rows.hpp"

#include "graftline/effects/db/checksum.hpp"

namespace graftline::effects {

std::int64_t sum_of(std::initializer_list<std::string_view> columns)
{
    checksum sum;
    for (const auto column : columns)
        sum.add(column);
    return sum.value();
}

void check_row(const statement& row, int summed, const char* table, const std::filesystem::path& folder)
{
    checksum sum;
    for (int column = 0; column < summed; ++column)
        sum.add(row.text(column));
    if (row.integer(summed) == sum.value()) return;
    throw fault_error(bad_row(row, table, folder));
}

fault bad_row(const statement& row, const char* table, const std::filesystem::path& folder)
{
    return fault(errc::corrupt, "a row of the state database does not read back as it was written")
        .with("table", table)
        .with("row", row.text(0))
        .with("file", (folder / "state.db").string())
        .advise(how_to_rebuild);
}

} // namespace graftline::effects
