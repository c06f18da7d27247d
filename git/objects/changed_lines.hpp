/// Comparing texts line by line.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {

/// One place where two texts differ. Lines are without their ends.
struct changed_run {
    std::size_t at = 0; ///< number of the first removed line in the old text, from 1
    std::vector<std::string> removed;
    std::vector<std::string> added;
};

/// The places where `before` and `after` differ, in order. Blocking; takes time with the size of the texts.
/// Errors: libgit2's, when a text is larger than it can compare.
result<std::vector<changed_run>> changed_lines(std::string_view before, std::string_view after);

/// A text's lines without their ends.
std::vector<std::string> lines_in(std::string_view text);

} // namespace graftline::git
