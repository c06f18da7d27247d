/// A look at what a task has committed, by itself or through us, before it lands.
#pragma once

#include "graftline/git/repository/oid.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace graftline::git {

class repository;

/// Refuses a change from `base` to `tip` that nobody may get: a nested repository that .gitmodules does not
/// name, whose contents would be missing everywhere else, and what we put into the worktree at `worktree`
/// beside its checkout. Errors: refused, naming the paths.
awaitable<result<void>> check_committed(repository& repo, std::filesystem::path worktree, oid base, oid tip);

/// The files in which the change adds conflict markers of git's, the beginning and the end of a conflict.
awaitable<result<std::vector<std::string>>> files_with_markers(repository& repo, oid base, oid tip);

} // namespace graftline::git
