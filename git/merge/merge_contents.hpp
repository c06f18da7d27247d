/// One file's three contents merged as git does it.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace graftline::git {

/// What conflict markers call the two sides.
struct side_labels {
    std::string ours, theirs;
};

struct merged_contents {
    std::string text; ///< with markers where the sides do not agree
    bool clean = true;
};

/// Far below what git merges by lines; merging takes a multiple of it in memory.
inline constexpr std::size_t largest_merged = std::size_t{64} << 20;

/// Is xdiff in this build? Without it every file that both sides changed is for git.
bool can_merge_contents() noexcept;

/// Merges by lines. Errors: unsupported where git must be asked: binary or huge contents, or no xdiff in this
/// build.
result<merged_contents> merge_contents(std::string_view base, std::string_view ours, std::string_view theirs,
                                       const side_labels& labels);

} // namespace graftline::git
