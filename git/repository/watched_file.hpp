/// Files of git's configuration: where they are, and whether they have changed.
#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <vector>

namespace graftline::git {

class repository;

/// The user's home; empty when the environment names none.
std::filesystem::path home_folder();
/// Where the user's settings of programs lie: $XDG_CONFIG_HOME, or .config at home.
std::filesystem::path user_configuration();

/// Where git looks for configuration, whether there is something or not.
std::vector<std::filesystem::path> configuration_places(const repository& repo);

/// A file, or none, as it was: writing to it shows.
class watched_file {
public:
    explicit watched_file(std::filesystem::path path);
    const std::filesystem::path& path() const noexcept { return path_; }
    bool is_as_it_was() const;

private:
    struct ::stat look() const;

    std::filesystem::path path_;
    struct ::stat seen_;
};

} // namespace graftline::git
