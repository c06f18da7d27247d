/// Objects as files of an object directory, for git to read beside a repository's own.
#pragma once

#include "graftline/git/objects/new_objects.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <vector>

namespace graftline::git {

/// Writes objects into an object directory, which need not hold anything yet. Blocking. SHA-1 only. Errors:
/// libgit2's.
result<void> write_loose(const std::vector<new_object>& objects, const std::filesystem::path& directory);

} // namespace graftline::git
