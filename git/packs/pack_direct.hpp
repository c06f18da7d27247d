/// Packing a landing in our own process.
#pragma once

#include "graftline/git/objects/commit_history.hpp"
#include "graftline/git/objects/new_objects.hpp"
#include "graftline/git/packs/pack_file.hpp"
#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>

namespace graftline::git {

struct packed_landing {
    pack_file pack;          ///< empty when there was nothing to pack
    bool holds_from = false; ///< `from` is in the history of `to`; false: not known
};

/// Packs what `to` reaches and `from` does not; an object may come from `made` or from the object folder
/// `objects`. Commits are walked back to `from`, and of their trees only what differs from their parents'.
/// What `from` has elsewhere may be in it too, nothing is ever left out. Blocks; libgit2 is in use already.
/// Any fault means "ask git": that an object is missing, or that there is so much that git would do it
/// better.
result<packed_landing> pack_direct(const std::filesystem::path& objects, const new_objects& made,
                                   const oid& to, const oid& from, commit_history& history);

} // namespace graftline::git
