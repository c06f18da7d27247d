/// Refs and history read by the git command: always possible.
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

/// The errors are those of `refs.hpp`. All borrow the repository.
namespace graftline::git::read_by_command {

awaitable<result<oid>> resolve(repository& repo, std::string rev);
awaitable<result<std::optional<oid>>> read_ref(repository& repo, std::string fullname);
awaitable<result<bool>> is_ancestor(repository& repo, oid ancestor, oid descendant);
awaitable<result<std::vector<oid>>> merge_bases(repository& repo, oid one, oid other);

} // namespace graftline::git::read_by_command
