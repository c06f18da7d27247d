/// Globs as plans use them to say which files a task will change.
#pragma once

#include "graftline/runtime/fault.hpp"

#include <string>
#include <string_view>

namespace graftline::agents {

/// A glob in its normal form: "./a//b/" is "a/b". Within a folder * and ? and [a-z] stand for characters, **
/// for any folders; a glob that names a folder means all below it. Backslash makes the next character plain.
/// Errors: invalid, for an open bracket, an absolute path, "..", an empty glob, more than 4,096 characters.
result<std::string> normal_glob(std::string_view glob);

/// Can one path be meant by both? Also when one names a folder that the other's files are in. Case is
/// ignored, because on some file systems it does not tell files apart. Globs that `normal_glob` refuses
/// overlap with everything.
bool globs_overlap(std::string_view a, std::string_view b);

} // namespace graftline::agents
