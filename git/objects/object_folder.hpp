/// Objects for git to see that lie in no repository.
#pragma once

#include "graftline/git/objects/new_objects.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

namespace graftline::git {

/// Writes what `made` holds in memory into its folder, which is made if there is none: git can be told to
/// read that one. Errors: the system's; libgit2's. Cancellation: the folder may hold some then. Lifetime:
/// borrows both.
awaitable<result<void>> write_to_folder(repository& repo, new_objects& made);

/// What libgit2 calls a kind of object.
int libgit2_type(object_kind kind) noexcept;

} // namespace graftline::git
