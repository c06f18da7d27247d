#include "graftline/git/repository/failure_words.hpp"

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
    // Another git is at work: perhaps one that a process of ours began and that outlives it.
    if (any_of({".lock': File exists", "Another git process seems to be running", "/commondir: Success"}))
        return make_error_code(errc::busy);
    if (any_of(
            {"Read-only file system", "Input/output error", "insufficient permission for adding an object"}))
        return make_error_code(errc::unusable);
    // git does not always say why it could not write; a full disk is among the reasons. Files of a task's
    // that may not be written to, and a hook's closed pipe, are not.
    if (any_of({"couldn't write", "unable to write", "write error"}) &&
        !any_of({"Permission denied", "Operation not permitted", "Broken pipe"}))
        return make_error_code(errc::unusable);
    return otherwise;
}

bool says_damaged(std::string_view words)
{
    for (const std::string_view part :
         {"bad object", "bad tree object", "unknown revision", "not a tree object", "missing",
          "Could not read", "ould not parse", "ailed to traverse", "corrupt", "is empty", "inflate",
          "unable to unpack", "unable to read", "Not a valid object name", "bad revision", "unable to find"})
        if (words.find(part) != words.npos) return true;
    return false;
}

} // namespace graftline::git
