#include "graftline/git/failure_words.hpp"

#include <algorithm>
#include <initializer_list>

namespace graftline::git {

error_code kind_of_failure(std::string_view words, error_code otherwise)
{
    const auto any_of = [&](std::initializer_list<std::string_view> parts) {
        return std::ranges::any_of(parts,
                                   [&](std::string_view part) { return words.find(part) != words.npos; });
    };
    if (any_of({"No space left on device", "Disk quota exceeded"})) return make_error_code(errc::no_space);
    // git does not always say why it could not write; a full disk is among the reasons.
    if (any_of({"couldn't write", "unable to write", "write error", "Read-only file system",
                "Input/output error", "insufficient permission for adding an object"}))
        return make_error_code(errc::unusable);
    return otherwise;
}

} // namespace graftline::git
