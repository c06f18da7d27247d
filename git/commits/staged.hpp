/// What differs between a commit, an index and another commit, as git's raw format says it.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace graftline::git {

class repository;

/// One path that differs. A mode of "000000" and a null id: it does not exist on that side.
struct staged_change {
    std::string path;
    std::string old_mode;
    std::string new_mode;
    oid old_blob;
    oid new_blob;
    bool was_there() const noexcept { return old_mode != "000000"; }
    bool is_there() const noexcept { return new_mode != "000000"; }
};

/// Reads `git diff-tree -r -z --no-renames` and its relatives.
std::vector<staged_change> raw_changes(std::string_view output);

/// What the index of `worktree` has differently from its HEAD (from nothing before the first commit).
awaitable<result<std::vector<staged_change>>> staged_in(repository& repo, std::filesystem::path worktree);

/// What two commits or trees have differently.
awaitable<result<std::vector<staged_change>>> changes_between(repository& repo, oid from, oid to);

/// A commit and one that it is compared with.
using commit_pair = std::pair<oid, oid>;

/// The same for many pairs (from, to), one after the other, in one process; nothing for commits that are
/// gone.
awaitable<result<std::vector<staged_change>>> changes_between_each(repository& repo,
                                                                   std::vector<commit_pair> pairs);

} // namespace graftline::git
