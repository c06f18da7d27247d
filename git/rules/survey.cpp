#include "graftline/git/rules/survey.hpp"

#include "graftline/git/repository/git_files.hpp"
#include "graftline/git/rules/ignore_rules.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/base/descriptor.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <memory>
#include <set>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

struct stream_closer {
    void operator()(DIR* stream) const noexcept { closedir(stream); }
};

/// Opens what lies below `top`, over no link, however it changes meanwhile.
descriptor open_below(int top, const std::string& path, int flags)
{
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags | O_NOFOLLOW | O_CLOEXEC);
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
    const char* const name = path.empty() ? "." : path.c_str();
    const long opened = ::syscall(SYS_openat2, top, name, &how, sizeof how);
    if (opened >= 0 || (errno != ENOSYS && errno != EPERM)) return descriptor(static_cast<int>(opened));
    return descriptor(::openat(top, name, flags | O_NOFOLLOW | O_CLOEXEC));
}

/// Gives the owner rights on what is open (with O_PATH too), when that is us. Nothing is changed on another
/// file system that is mounted there, nor where a file has another name elsewhere.
bool allow(int opened, mode_t rights)
{
    struct statx about{};
    constexpr unsigned wanted = STATX_TYPE | STATX_MODE | STATX_UID | STATX_NLINK;
    if (::statx(opened, "", AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, wanted, &about) != 0) return false;
    if ((about.stx_attributes_mask & about.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) return false;
    if (about.stx_uid != ::geteuid()) return false;
    if (S_ISREG(about.stx_mode) && about.stx_nlink > 1) return false;
    const std::string by_number = "/proc/self/fd/" + std::to_string(opened);
    return ::chmod(by_number.c_str(), (about.stx_mode & 07777) | rights) == 0;
}

bool is_waited_for(unsigned char type)
{
    return type == DT_FIFO || type == DT_CHR || type == DT_BLK;
}

const char* name_of(unsigned char type)
{
    return type == DT_FIFO ? "a pipe" : type == DT_SOCK ? "a socket" : "a device";
}

/// A file that git opens by its name, wherever it lies.
bool is_gits_own(std::string_view name)
{
    return name == ".gitignore" || name == ".gitattributes" || name == ".gitmodules";
}

/// Git gives paths from the top to the system, which takes so much.
constexpr std::size_t longest_path = PATH_MAX - 2;

struct entry {
    std::string name;
    unsigned char type;
};

struct pending {
    std::string path;
    bool in_git_folder;
};

class walk {
public:
    walk(descriptor top, survey_of what) : top_(std::move(top)), what_(what) {}

    survey all()
    {
        waiting_.push_back({std::string(), what_ == survey_of::git_folder});
        while (!waiting_.empty()) {
            const pending next = std::move(waiting_.back());
            waiting_.pop_back();
            look_into(next);
        }
        std::ranges::sort(found_.repositories);
        std::ranges::sort(found_.git_folders);
        return std::move(found_);
    }

private:
    bool may_change() const { return what_ == survey_of::work_tree; }

    void cannot_read(const std::string& path, int error)
    {
        found_.unreadable.push_back({path.empty() ? "." : path, std::strerror(error)});
    }

    /// A folder that may be listed and entered.
    descriptor open_folder(const std::string& path)
    {
        for (const bool again : {false, true}) {
            auto folder = open_below(top_.get(), path, O_RDONLY | O_DIRECTORY);
            if (folder && ::faccessat(folder.get(), ".", X_OK, AT_EACCESS) == 0) return folder;
            if (errno != EACCES || again) return {};
            const auto handle = open_below(top_.get(), path, O_PATH | O_DIRECTORY);
            if (!may_change() || !handle || !allow(handle.get(), S_IRWXU)) {
                errno = EACCES;
                return {};
            }
        }
        return {};
    }

    std::vector<entry> entries_of(const std::string& path)
    {
        std::vector<entry> entries;
        auto folder = open_folder(path);
        if (!folder) {
            if (errno != ENOENT) cannot_read(path, errno);
            return entries;
        }
        const std::unique_ptr<DIR, stream_closer> stream(::fdopendir(folder.get()));
        if (!stream) {
            cannot_read(path, errno);
            return entries;
        }
        (void)folder.release();
        errno = 0;
        while (const dirent* each = ::readdir(stream.get())) {
            const std::string_view name = each->d_name;
            if (name != "." && name != "..")
                entries.push_back({std::string(name), type_of(stream.get(), *each)});
            errno = 0;
        }
        if (errno != 0) cannot_read(path, errno);
        return entries;
    }

    static unsigned char type_of(DIR* stream, const dirent& each)
    {
        if (each.d_type != DT_UNKNOWN) return each.d_type;
        struct stat about{};
        if (::fstatat(::dirfd(stream), each.d_name, &about, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
        return static_cast<unsigned char>(IFTODT(about.st_mode));
    }

    void look_into(const pending& folder)
    {
        const auto entries = entries_of(folder.path);
        const auto has = [&](std::string_view name, unsigned char type) {
            return std::ranges::any_of(entries,
                                       [&](const entry& e) { return e.name == name && e.type == type; });
        };
        bool in_git = folder.in_git_folder;
        if (!in_git && !folder.path.empty() && has("HEAD", DT_REG) && has("objects", DT_DIR) &&
            has("refs", DT_DIR)) {
            found_.git_folders.push_back(folder.path);
            in_git = true;
        }
        for (const entry& each : entries)
            look_at(folder.path, each, in_git);
    }

    void look_at(const std::string& folder, const entry& each, bool in_git)
    {
        const std::string path = folder.empty() ? each.name : folder + "/" + each.name;
        if (path.size() > longest_path) {
            found_.unreadable.push_back({path, "its path is longer than git can open"});
            return;
        }
        const bool is_dot_git = !in_git && each.name == ".git";
        if (is_dot_git && !folder.empty()) found_.repositories.push_back(folder);
        if (each.type == DT_DIR)
            waiting_.push_back({path, in_git || is_dot_git});
        else if (in_git && is_waited_for(each.type))
            found_.blocking.push_back({path, name_of(each.type)});
        else if (is_gits_own(each.name))
            look_at_gits_own(path, each);
    }

    void look_at_gits_own(const std::string& path, const entry& each)
    {
        if (is_waited_for(each.type))
            found_.blocking.push_back({path, name_of(each.type)});
        else if (each.type == DT_SOCK)
            found_.unreadable.push_back({path, name_of(each.type)});
        else if (each.type == DT_REG)
            open_file(path);
        else if (each.type == DT_LNK && path == ".gitmodules") // the only one that git follows
            look_behind(path);
    }

    void look_behind(const std::string& link)
    {
        struct stat about{};
        if (::fstatat(top_.get(), link.c_str(), &about, 0) != 0) return;
        const auto type = static_cast<unsigned char>(IFTODT(about.st_mode));
        if (is_waited_for(type)) found_.blocking.push_back({link, std::string("a link to ") + name_of(type)});
    }

    void open_file(const std::string& path)
    {
        if (open_below(top_.get(), path, O_RDONLY | O_NONBLOCK) || errno == ENOENT) return;
        const int why = errno;
        const auto handle = open_below(top_.get(), path, O_PATH);
        if (why == EACCES && may_change() && handle && allow(handle.get(), S_IRUSR)) return;
        cannot_read(path, why);
    }

    descriptor top_;
    survey_of what_;
    std::vector<pending> waiting_;
    survey found_;
};

/// A path that is too long is known by how it begins.
std::string shown(const std::string& path)
{
    constexpr std::size_t most = 200;
    return path.size() > most ? path.substr(0, most) + "…" : path;
}

std::string listed(const std::vector<obstacle>& all)
{
    constexpr std::size_t most = 5;
    std::string text;
    for (std::size_t at = 0; at < all.size() && at < most; ++at)
        text += (text.empty() ? "" : "\n") + shown(all[at].path) + " (" + all[at].why + ")";
    if (all.size() > most) text += "\nand " + std::to_string(all.size() - most) + " more";
    return text;
}

fault would_wait(const std::vector<obstacle>& blocking, const fs::path& top)
{
    return fault(errc::refused, "git would wait for ever for what is no file: " + blocking.front().path)
        .with("paths", listed(blocking))
        .with("folder", top.string())
        .advise("Remove it, then try again.");
}

fault cannot_be_read(const std::vector<obstacle>& unreadable, const fs::path& top)
{
    return fault(errc::refused, "git cannot read all that lies there: " + shown(unreadable.front().path))
        .with("paths", listed(unreadable))
        .with("folder", top.string())
        .advise(
            "It would be left out, and lost with the worktree. Make it readable, move it away, or have it "
            "ignored; then try again.");
}

} // namespace

result<survey> survey_folder(const fs::path& top, survey_of what)
{
    descriptor opened(::open(top.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!opened) return system_fault(errno, "cannot open " + top.string());
    return walk(std::move(opened), what).all();
}

std::size_t make_files_readable(const fs::path& top)
{
    std::size_t made = 0;
    std::error_code failed;
    for (fs::recursive_directory_iterator at(top, failed), end; !failed && at != end; at.increment(failed)) {
        std::error_code gone;
        const auto status = at->symlink_status(gone);
        if (!fs::is_regular_file(status) || (status.permissions() & fs::perms::owner_read) != fs::perms::none)
            continue;
        const descriptor file(::open(at->path().c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (file && allow(file.get(), S_IRUSR)) ++made;
    }
    return made;
}

awaitable<result<survey>> survey_place(workplace place)
{
    auto job = [place]() -> result<survey> {
        if (auto safe = check_git_folder(place.git_dir); !safe) return safe.error();
        if (auto safe = check_listed_files(place.git_dir); !safe) return safe.error();
        std::error_code failed;
        if (fs::exists(place.git_dir / "commondir", failed) || failed) {
            const auto of_git = survey_folder(place.git_dir, survey_of::git_folder);
            if (!of_git) return of_git.error();
            if (!of_git->blocking.empty()) return would_wait(of_git->blocking, place.git_dir);
            if (!of_git->unreadable.empty()) return cannot_be_read(of_git->unreadable, place.git_dir);
        }
        if (!place.work_tree) return survey();
        auto found = survey_folder(*place.work_tree, survey_of::work_tree);
        if (found && !found->blocking.empty()) return would_wait(found->blocking, *place.work_tree);
        return found;
    };
    co_return co_await offload(std::move(job));
}

awaitable<result<void>> check_git_may_run_in(fs::path top)
{
    if (auto safe = check_git_files(top); !safe) co_return safe;
    const auto found = co_await offload([top] { return survey_folder(top, survey_of::work_tree_as_it_is); });
    if (!found) co_return found.error();
    if (!found->blocking.empty()) co_return would_wait(found->blocking, top);
    co_return result<void>();
}

awaitable<result<void>> check_readable(const repository& repo, workplace place,
                                       std::vector<obstacle> unreadable)
{
    if (unreadable.empty()) co_return result<void>();
    // No git can be asked about a path that is too long: then about the folder that it is in.
    const auto asked_of = [](const obstacle& each) {
        return each.path.size() > longest_path ? each.path.substr(0, each.path.rfind('/')) : each.path;
    };
    std::vector<std::string> paths;
    for (const obstacle& each : unreadable)
        paths.push_back(asked_of(each));
    const auto ignored = co_await ignored_among(repo, place, std::move(paths));
    if (!ignored) co_return ignored.error();
    const std::set<std::string> nobodys(ignored->begin(), ignored->end());
    std::erase_if(unreadable, [&](const obstacle& each) { return nobodys.contains(asked_of(each)); });
    if (unreadable.empty()) co_return result<void>();
    co_return cannot_be_read(unreadable, *place.work_tree);
}

} // namespace graftline::git
