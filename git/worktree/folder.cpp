#include "graftline/git/worktree/folder.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace graftline::git {
namespace {

struct stream_closer {
    void operator()(DIR* stream) const noexcept { closedir(stream); }
};
using stream = std::unique_ptr<DIR, stream_closer>;

class descriptor {
public:
    explicit descriptor(int number) noexcept : number_(number) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor()
    {
        if (number_ >= 0) close(number_);
    }
    int number() const noexcept { return number_; }

private:
    int number_;
};

bool is_gone(int error)
{
    return error == ENOENT;
}

/// Bind mounts have the device number of what they show, so the mount itself is asked for.
bool is_mount(int folder)
{
    struct statx about;
    if (statx(folder, "", AT_EMPTY_PATH, STATX_TYPE, &about) != 0) return false;
    return (about.stx_attributes_mask & about.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

int open_folder(int parent, const char* name)
{
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/// Opens it even where its mode forbids that to its owner.
int open_for_deletion(int parent, const char* name)
{
    int opened = open_folder(parent, name);
    if (opened < 0 && errno == EACCES && fchmodat(parent, name, 0700, 0) == 0)
        opened = open_folder(parent, name);
    return opened;
}

int unlink_entry(int folder, const char* name, int flags)
{
    if (unlinkat(folder, name, flags) == 0 || is_gone(errno)) return 0;
    if (errno != EACCES || fchmod(folder, 0700) != 0) return errno;
    return unlinkat(folder, name, flags) == 0 || is_gone(errno) ? 0 : errno;
}

bool is_folder(int parent, const char* name)
{
    struct stat about{};
    return fstatat(parent, name, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(about.st_mode);
}

result<void> delete_at(int parent, const std::string& name, const std::filesystem::path& shown);

/// Names first, deletion afterwards: a folder that shrinks while it is read skips entries on some file
/// systems.
result<std::vector<std::string>> names_in(int folder, const std::filesystem::path& shown)
{
    const int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) return system_fault(errno, "cannot read " + shown.string());
    const stream entries(fdopendir(copy));
    if (!entries) {
        const int why = errno;
        close(copy);
        return system_fault(why, "cannot read " + shown.string());
    }
    std::vector<std::string> names;
    errno = 0;
    while (const dirent* entry = readdir(entries.get())) {
        if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0)
            names.emplace_back(entry->d_name);
    }
    return names;
}

result<void> delete_contents(int folder, const std::filesystem::path& shown)
{
    auto names = names_in(folder, shown);
    if (!names) return names.error();
    for (const std::string& name : *names) {
        // Most entries are files: try that first. EISDIR is Linux's answer for a folder, EPERM that of POSIX.
        const int why = unlink_entry(folder, name.c_str(), 0);
        if (why == 0) continue;
        const bool may_be_folder = why == EISDIR || (why == EPERM && is_folder(folder, name.c_str()));
        if (!may_be_folder) return system_fault(why, "cannot delete " + (shown / name).string());
        if (auto deleted = delete_at(folder, name, shown / name); !deleted) return deleted;
    }
    return {};
}

result<void> delete_at(int parent, const std::string& name, const std::filesystem::path& shown)
{
    {
        const descriptor folder(open_for_deletion(parent, name.c_str()));
        if (folder.number() < 0) {
            if (is_gone(errno)) return {};
            return system_fault(errno, "cannot delete " + shown.string());
        }
        if (is_mount(folder.number()))
            return fault(errc::refused, "another file system is mounted inside: " + shown.string())
                .advise("Unmount it first: nothing in it is touched.");
        if (auto deleted = delete_contents(folder.number(), shown); !deleted) return deleted;
    }
    if (const int why = unlink_entry(parent, name.c_str(), AT_REMOVEDIR); why != 0)
        return system_fault(why, "cannot delete " + shown.string());
    return {};
}

} // namespace

result<void> delete_folder(const std::filesystem::path& folder)
{
    const std::string name = folder.filename().string();
    const descriptor parent(open(folder.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (parent.number() < 0) {
        if (is_gone(errno)) return {};
        return system_fault(errno, "cannot open " + folder.parent_path().string());
    }
    if (name.empty() || name == "." || name == "..")
        return fault(errc::invalid, "not a folder that can be deleted: " + folder.string());
    return delete_at(parent.number(), name, folder);
}

} // namespace graftline::git
