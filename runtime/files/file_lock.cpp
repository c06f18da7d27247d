#include "graftline/runtime/files/file_lock.hpp"

#include "graftline/runtime/files/file_events.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <utility>

namespace graftline {
namespace {

struct flock whole_file(short kind) noexcept
{
    struct flock range{};
    range.l_type = kind;
    range.l_whence = SEEK_SET;
    return range; // start 0, length 0: all of it; pid 0, as OFD locks want it
}

fault lock_fault(int error_number, std::string what, const std::filesystem::path& path)
{
    return system_fault(error_number, std::move(what)).with("file", path.string());
}

/// Whether `path` still leads to the open file: a holder may remove its lock file.
bool is_still(int fd, const std::filesystem::path& path) noexcept
{
    struct stat open_file{};
    struct stat named_file{};
    return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named_file) == 0 &&
           open_file.st_dev == named_file.st_dev && open_file.st_ino == named_file.st_ino;
}

/// Whoever may make files in the folder may lock this one, and nobody else, whatever our umask.
void open_up_as_folder(int fd, const std::filesystem::path& path) noexcept
{
    struct stat file{};
    struct stat folder{};
    if (::fstat(fd, &file) != 0 || file.st_uid != ::geteuid()) return;
    if (::stat((path.has_parent_path() ? path.parent_path() : ".").c_str(), &folder) != 0) return;
    const mode_t others = ((folder.st_mode & 0020) ? 0060 : 0) | ((folder.st_mode & 0002) ? 0006 : 0);
    const mode_t wanted = (folder.st_mode & S_ISVTX) ? 0600 : 0600 | others; // /tmp is no shared folder
    if ((file.st_mode & 0777) != wanted) ::fchmod(fd, wanted);
}

/// The file that `path` leads to, open.
result<descriptor> open_lock_file(const std::filesystem::path& path)
{
    descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    file = above_standard(std::move(file));
    if (!file) return lock_fault(errno, "cannot open the lock file", path);
    open_up_as_folder(file.get(), path);
    return file;
}

/// Opens and locks the file that `path` leads to, or `file`, if that is still the same. False: somebody else
/// holds the lock, and `file` is what to wait for.
result<bool> lock_file(descriptor& file, const std::filesystem::path& path)
{
    for (;;) {
        if (!file) {
            auto opened = open_lock_file(path);
            if (!opened) return opened.error();
            file = std::move(*opened);
        }
        auto range = whole_file(F_WRLCK);
        const bool locked = ::fcntl(file.get(), F_OFD_SETLK, &range) == 0;
        if (!locked && errno == EINTR) continue;
        if (!locked && errno != EAGAIN && errno != EACCES)
            return lock_fault(errno, "cannot lock the lock file", path);
        if (is_still(file.get(), path)) return locked;
        file.reset();
    }
}

} // namespace

file_lock::lease& file_lock::lease::operator=(lease&& other) noexcept
{
    if (this != &other) {
        release();
        file_ = std::move(other.file_);
    }
    return *this;
}

void file_lock::lease::release() noexcept
{
    if (!file_) return;
    // In this order: those who wait are woken by the write, and find the lock free. A bare close loses
    // wake-ups, and leaves the lock held where a forked process has the descriptor.
    auto range = whole_file(F_UNLCK);
    ::fcntl(file_.get(), F_OFD_SETLK, &range);
    [[maybe_unused]] const auto woken = ::pwrite(file_.get(), "\n", 1, 0);
    file_.reset();
}

file_lock::file_lock(asio::any_io_executor executor, std::filesystem::path path,
                     std::chrono::milliseconds look_after)
    : executor_(std::move(executor)), path_(std::move(path)), look_after_(look_after)
{
}

result<std::optional<file_lock::lease>> file_lock::try_acquire()
{
    descriptor file;
    const auto locked = lock_file(file, path_);
    if (!locked) return locked.error();
    if (!*locked) return std::optional<lease>();
    return std::optional<lease>(lease(std::move(file)));
}

awaitable<result<file_lock::lease>> file_lock::acquire()
{
    // One descriptor for the whole wait: closing it would tell all who wait that there are news.
    descriptor file;
    std::shared_ptr<file_events::ticket> news;
    for (;;) {
        const auto locked = lock_file(file, path_);
        if (!locked) co_return locked.error();
        if (*locked) co_return lease(std::move(file));
        if (news) {
            co_await news->wait(look_after_);
            news.reset();
        } else {
            news = file_events::watch(executor_, path_); // and try again: its holder may have left by then
        }
    }
}

result<bool> file_lock::is_held(const std::filesystem::path& path)
{
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file) {
        if (errno == ENOENT || errno == ENOTDIR) return false;
        return lock_fault(errno, "cannot open the lock file", path);
    }
    auto range = whole_file(F_WRLCK);
    if (::fcntl(file.get(), F_OFD_GETLK, &range) != 0)
        return lock_fault(errno, "cannot ask who holds the lock file", path);
    return range.l_type != F_UNLCK;
}

} // namespace graftline
