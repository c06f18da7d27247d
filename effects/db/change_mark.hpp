/// A small file beside the database that tells how far it has come, so that one that has lost its latest
/// changes is known by it: a write-ahead log that is emptied or damaged is passed over by SQLite without a
/// word.
#pragma once

#include "graftline/runtime/base/descriptor.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace graftline::effects {

/// How many transactions a database has seen, of which there is one since it was made.
struct change_count {
    std::string database; ///< a name of its own, of 16 hex digits
    std::int64_t number = 0;

    /// Is this what came of `other`?
    bool goes_on_from(const change_count& other) const
    {
        return database == other.database && number >= other.number;
    }
};

/// The file. Written after each commit that is on the disk, and never flushed: what a commit promises is in
/// the database, and a mark that is behind it accuses nobody. One thread at a time.
class change_mark {
public:
    /// `database`: the database's file. Nothing is made before the first write.
    explicit change_mark(const std::filesystem::path& database);

    /// None where there is none, or it does not read back: then it tells nothing.
    std::optional<change_count> read() const;
    /// What cannot be written is left as it is.
    void write(const change_count& now) noexcept;

    static std::filesystem::path file_of(const std::filesystem::path& database);

private:
    std::filesystem::path file_;
    descriptor open_;
};

} // namespace graftline::effects
