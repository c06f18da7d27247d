/// Globs as plans use them to say which files a task will change.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace graftline::agents {

/// A glob in its normal form: "./a//b/" is "a/b", "." is "**". Within a folder * and ? and [a-z] stand for
/// characters,
/// ** for any folders; a glob whose last part has no such sign may name a folder, and means all below it too.
/// A backslash makes the next character plain. Errors: invalid, for an open bracket, braces, an absolute
/// path, "..", an empty glob, more than 1,024 bytes.
result<std::string> normal_glob(std::string_view glob);

/// A glob that is read once, to be compared with many. Cheap to copy.
class glob {
public:
    explicit glob(std::string_view text);
    /// As globs_overlap. Costs at most the product of both lengths; nearly nothing where the plain beginnings
    /// differ.
    bool overlaps(const glob& other) const;

private:
    friend result<std::string> normal_glob(std::string_view text);
    struct pattern;
    std::shared_ptr<const pattern> pattern_; ///< null: refused
    std::string plain_beginning_;
};

/// Can one path be meant by both? Also when one names a folder that the other's files are in. Case is
/// ignored: on some file systems it does not tell files apart. Globs that `normal_glob` refuses overlap with
/// everything.
bool globs_overlap(std::string_view a, std::string_view b);

} // namespace graftline::agents
