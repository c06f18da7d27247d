/// Checkouts under which somebody moved their branch: git shows what it moved over as staged changes, and the
/// next commit there would revert it.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {

class repository;

/// A move of a branch that a checkout of it did not follow: what differs between the two commits is in its
/// index as the first has it.
struct left_behind {
    std::filesystem::path work_tree;
    oid at;
    oid moved_to; ///< the branch may be further on by now
};

/// Looks at the checkouts of a branch (short name), where by its reflog it was moved since `since` from
/// elsewhere than there, and by somebody other than who begins the reflog's messages with `own`: else no
/// process is started. Nothing is touched. Errors: the system's, git's words. Cancellation: as for a command.
/// Lifetime: borrows `repo`.
awaitable<result<std::vector<left_behind>>> find_left_behind(repository& repo, std::string branch,
                                                             std::chrono::system_clock::time_point since,
                                                             std::string_view own);

} // namespace graftline::git
