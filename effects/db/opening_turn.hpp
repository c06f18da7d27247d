/// Who opens a database does so alone.
#pragma once

#include "graftline/runtime/base/descriptor.hpp"

#include <filesystem>

namespace graftline::effects {

/// Held while a database is opened: SQLite gives up at once, without its patience, when two processes turn a
/// new one over to write-ahead logging. Waits on a thread that may block, for milliseconds. Makes the folder,
/// for the user alone; throws fault_error when it cannot be made.
class opening_turn {
public:
    explicit opening_turn(const std::filesystem::path& folder);

private:
    descriptor file_; // closing it unlocks; without it SQLite itself says what is wrong
};

} // namespace graftline::effects
