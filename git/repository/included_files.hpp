/// The files that git opens because its configuration names them.
#pragma once

#include "graftline/runtime/base/fault.hpp"

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace graftline::git {

/// Follows configuration files by what they include, under whatever condition, and to the files that
/// core.excludesFile and core.attributesFile name; each is looked at once. It understands just so much of
/// git's syntax.
class included_files {
public:
    /// `look`: called with each file, there or not, before it is read; its fault ends the search.
    explicit included_files(std::function<result<void>(const std::filesystem::path&)> look)
        : look_(std::move(look))
    {
    }
    /// A configuration file and all that it leads to. Errors: those of `look`; what cannot be read is passed
    /// over.
    result<void> follow(const std::filesystem::path& file);
    /// The same for those of the system and the user, and for what git opens without being told.
    result<void> follow_users();

private:
    result<void> take(std::string_view section, std::string_view key, std::string value,
                      const std::filesystem::path& origin);
    result<void> look_once(const std::filesystem::path& file);

    std::function<result<void>(const std::filesystem::path&)> look_;
    std::set<std::filesystem::path> seen_;
};

} // namespace graftline::git
