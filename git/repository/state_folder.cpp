#include "graftline/git/repository/state_folder.hpp"

#include "graftline/git/repository/libgit2.hpp"
#include "graftline/runtime/files/disk_flush.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <optional>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

constexpr mode_t only_ours = 0700;
constexpr mode_t any_others = 0077;

/// The permissions that everything in the repository gets at least, by git's own rules; none: it is not
/// shared.
mode_t shared_with(const fs::path& common_dir)
{
    git_libgit2_init();
    std::string value;
    {
        config_ptr config;
        git_buf text = GIT_BUF_INIT;
        // As git does, which asks nothing else than this file.
        const int opened = git_config_open_ondisk(out(config), (common_dir / "config").c_str());
        if (opened == 0 && git_config_get_string_buf(&text, config.get(), "core.sharedrepository") == 0)
            value = text.ptr;
        git_buf_dispose(&text);
    }
    git_libgit2_shutdown();
    if (value == "group" || value == "true" || value == "1") return 0660;
    if (value == "all" || value == "world" || value == "everybody" || value == "2") return 0664;
    unsigned mode = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), mode, 8);
    const bool octal = failed == std::errc() && end == value.data() + value.size() && value.size() > 1;
    return octal && (mode & 0600) == 0600 && (mode & any_others) != 0 ? mode & 0666 : 0;
}

/// Whoever may read in a folder may enter it; what is made in it belongs to its group.
mode_t of_folders(mode_t files)
{
    return files | (files & 0444) >> 2 | (files & 0060 ? S_ISGID : 0);
}

std::optional<struct stat> ours(const fs::path& path)
{
    struct stat info{};
    if (::lstat(path.c_str(), &info) != 0 || info.st_uid != ::geteuid()) return std::nullopt;
    if (!S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return std::nullopt;
    return info;
}

void settle(const fs::path& path, mode_t shared)
{
    const auto info = ours(path);
    if (!info) return;
    const mode_t now = info->st_mode & 07777;
    const mode_t wanted = S_ISDIR(info->st_mode) ? of_folders(shared) : shared;
    const mode_t then = (now & only_ours) | wanted;
    if (then != now) ::chmod(path.c_str(), then);
}

/// A folder and all that lies in it.
void settle_all(const fs::path& folder, mode_t shared)
{
    std::error_code ignored;
    for (fs::recursive_directory_iterator at(folder, ignored), end; !ignored && at != end;
         at.increment(ignored)) {
        settle(at->path(), shared);
        if (at->is_symlink(ignored)) at.disable_recursion_pending();
    }
    settle(folder, shared);
}

/// What is checked out or deleted there is not state of ours.
bool holds_work(const fs::path& folder)
{
    const auto name = folder.filename();
    return name == "trash" || name == "scratch" || name == "worktrees";
}

} // namespace

bool make_state_folder(const fs::path& folder)
{
    std::error_code ignored;
    fs::create_directories(folder.parent_path(), ignored);
    if (::mkdir(folder.c_str(), only_ours) != 0) return errno == EEXIST;
    (void)flush_file(folder.parent_path()); // where not even that works, the first write into it says so
    return true;
}

void settle_access(const fs::path& folder)
{
    const auto info = ours(folder);
    if (!info) return;
    const mode_t shared = shared_with(folder.parent_path());
    const bool was_open = !shared && (info->st_mode & any_others) != 0;
    std::error_code ignored;
    for (fs::directory_iterator at(folder, ignored), end; !ignored && at != end; at.increment(ignored)) {
        const bool whole = (was_open || shared) && at->is_directory(ignored) && !at->is_symlink(ignored) &&
                           !holds_work(at->path());
        if (whole)
            settle_all(at->path(), shared);
        else
            settle(at->path(), shared);
    }
    settle(folder, shared); // last: a process that is killed before leaves it to the next one
}

void settle_access_of(const fs::path& folder, const std::vector<fs::path>& parts)
{
    const mode_t shared = shared_with(folder.parent_path());
    for (const auto& part : parts)
        settle_all(part, shared);
}

} // namespace graftline::git
