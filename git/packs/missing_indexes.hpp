/// Packs of ours whose index somebody has removed: all that they hold is there, and no git sees it.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <vector>

namespace graftline::git {

class repository;

/// A pack that has got its index again, or why it could not.
struct indexed_pack {
    std::filesystem::path pack;
    result<void> done;
};

/// Writes those indexes again. A pack that is kept is on its way in, and gets its own; one of somebody else's
/// is left alone. Where none is missing, as usual, this lists one folder. Cancellation: terminal; nothing
/// half written stays. Lifetime: borrows `repo`.
awaitable<std::vector<indexed_pack>> write_missing_indexes(repository& repo);

} // namespace graftline::git
