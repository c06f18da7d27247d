#include "graftline/git/repository/watched_file.hpp"

#include "graftline/git/repository/repository.hpp"

#include <cstdlib>
#include <tuple>
#include <utility>

namespace graftline::git {

namespace fs = std::filesystem;

fs::path home_folder()
{
    const char* folder = std::getenv("HOME");
    return folder ? folder : "";
}

fs::path user_configuration()
{
    const char* folder = std::getenv("XDG_CONFIG_HOME");
    return folder && *folder ? fs::path(folder) : home_folder() / ".config";
}

std::vector<fs::path> configuration_places(const repository& repo)
{
    std::vector<fs::path> places{repo.common_dir() / "config", repo.git_dir() / "config.worktree",
                                 home_folder() / ".gitconfig", user_configuration() / "git" / "config",
                                 "/etc/gitconfig"};
    for (const char* name : {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"})
        if (const char* file = std::getenv(name)) places.emplace_back(file);
    return places;
}

watched_file::watched_file(fs::path path) : path_(std::move(path)), seen_(look()) {}

struct ::stat watched_file::look() const
{
    struct ::stat now{};
    if (::stat(path_.c_str(), &now) != 0) now = {};
    return now;
}

bool watched_file::is_as_it_was() const
{
    const auto parts = [](const struct ::stat& s) {
        return std::tuple(s.st_dev, s.st_ino, s.st_size, s.st_mtim.tv_sec, s.st_mtim.tv_nsec,
                          s.st_ctim.tv_sec, s.st_ctim.tv_nsec);
    };
    return parts(look()) == parts(seen_);
}

} // namespace graftline::git
