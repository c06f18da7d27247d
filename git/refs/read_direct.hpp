/// Refs and history read through libgit2. `refs.hpp` decides when that may be done.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <optional>
#include <string>
#include <vector>

namespace graftline::git {
class repository;
}

/// Any fault here means "ask the git command", which also has the better words. All borrow the repository.
namespace graftline::git::read_direct {

awaitable<result<oid>> resolve(repository& repo, std::string rev);
awaitable<result<oid>> tree_of(repository& repo, oid commit);
awaitable<result<std::optional<oid>>> read_ref(repository& repo, std::string fullname);
awaitable<result<bool>> is_ancestor(repository& repo, oid ancestor, oid descendant);
awaitable<result<std::vector<oid>>> merge_bases(repository& repo, oid one, oid other);

} // namespace graftline::git::read_direct
