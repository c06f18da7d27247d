/// The settings of git that decide what a task's content is: which files are seen, and how they are converted
/// on their way into the object store.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace graftline::git {

/// By key, as git prints it: sections and names in lower case. Of several values the last, which counts.
using setting_values = std::map<std::string, std::string>;

/// What a set of settings says about content.
struct rule_settings {
    setting_values values;            ///< those that decide content, as far as they are set
    std::filesystem::path excludes;   ///< core.excludesFile, or where git looks without it; may not be there
    std::filesystem::path attributes; ///< core.attributesFile, the same
    bool may_differ_by_worktree = false; ///< a worktree may have settings of its own
};

/// Takes them out of all settings. `relative_to`: where git stands, for paths.
rule_settings rules_among(const setting_values& all, const std::filesystem::path& relative_to);

/// Is it about conversions? Else about what is seen.
bool is_conversion(std::string_view key);

/// Does it name a file relative to where git stands, that is, one of the tree?
bool names_file_of_tree(std::string_view path);

/// A configuration file in which all that decides content has a value: that of `values`, else git's own.
/// Files outside the tree are left out.
std::string configuration_of(const setting_values& values);

/// Words for git by which settings that only `today` has have no effect.
std::vector<std::string> words_against_new(const setting_values& noted, const setting_values& today);

} // namespace graftline::git
