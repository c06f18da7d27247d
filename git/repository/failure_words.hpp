/// What git and libgit2 mean by their words, where their codes do not say it.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <string_view>

namespace graftline::git {

/// no_space or unusable when `words`, in English, tell of a disk or an object store that cannot be written
/// to; busy when a lock of git's is held; else `otherwise`.
error_code kind_of_failure(std::string_view words, error_code otherwise);

/// In git's words: an object is not there, or not what it was. Anything else says nothing about objects.
bool says_damaged(std::string_view words);

} // namespace graftline::git
