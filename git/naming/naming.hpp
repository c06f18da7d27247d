/// Names of branches and worktrees: slugs, templates, profiles.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {

/// A description as part of a name: lower case, words joined by `-`, at most `limit` characters, cut where a
/// word ends, letters of European languages written in ASCII. Always valid in a ref and as a folder's name;
/// "task" when nothing is left. "Implement user authentication" gives "implement-user-authentication".
std::string slug(std::string_view description, std::size_t limit = 40);

/// The same as a letter-by-letter rule, as the coditect profile has it: every character that is neither
/// letter, digit nor `-` becomes `-`, cut at `limit`; then mended where the result would not be a valid name.
std::string plain_slug(std::string_view description, std::size_t limit = 30);

/// A ticket named in a description: "ENG-123", "#789"; nullopt if there is none.
std::optional<std::string> ticket(std::string_view description);

using template_values = std::map<std::string, std::string, std::less<>>;

/// Replaces each `{name}` by its value; `{name:3}` pads with zeros to three characters.
/// Errors: invalid, for a name without a value (the known ones are listed) or a brace that is not closed.
result<std::string> expand(std::string_view text, const template_values& values);

/// Is this a branch's name that git takes? Errors: invalid, with what is wrong.
result<void> check_branch_name(std::string_view name);

/// A convention for names and defaults.
struct profile {
    std::string name;
    std::string branch;                   ///< template
    std::string worktree;                 ///< template; relative to the main work tree
    std::optional<std::string> base;      ///< what worktrees start from, when not the target's tip
    std::optional<std::string> id_prefix; ///< what a task's id starts with
    int max_parallel = 5;
    std::optional<int> parallel_cap; ///< more than this is brought down to it
    bool plain_slugs = false;        ///< `plain_slug` instead of `slug`
    std::size_t slug_limit = 40;
};

/// A built-in profile: default, coditect, spec108, scorecount. Errors: not_found, listing them.
result<profile> find_profile(std::string_view name);
std::vector<std::string> profile_names();

} // namespace graftline::git
