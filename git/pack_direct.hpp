/// Packing a landing through libgit2.
#pragma once

#include "graftline/git/new_objects.hpp"
#include "graftline/git/oid.hpp"
#include "graftline/runtime/awaitable.hpp"
#include "graftline/runtime/fault.hpp"

#include <filesystem>
#include <vector>

namespace graftline::git {

/// Writes what `to` reaches and `from` does not as a pack with its index into the folder `into`; an object
/// may come from `made` or from the repository. Commits are walked back to `from`, and of their trees only
/// what differs from their parents'. What `from` has elsewhere may be in it too, nothing is ever left out.
/// Result: the pack without extension; none when there is nothing to pack. Any fault means "ask git": that
/// an object is missing, or that there is so much that git would do it better. Cancellation: the job on the
/// pool ends first. Lifetime: borrows `repo`.
awaitable<result<std::vector<std::filesystem::path>>>
pack_direct(repository& repo, const new_objects& made, oid to, oid from, std::filesystem::path into);

} // namespace graftline::git
