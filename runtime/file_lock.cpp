#include "graftline/runtime/file_lock.hpp"

#include "graftline/runtime/parallel.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
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

/// Opens and locks the file that `path` leads to. An empty descriptor: somebody else holds the lock.
result<descriptor> open_locked(const std::filesystem::path& path)
{
    for (;;) {
        descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
        file = above_standard(std::move(file));
        if (!file) return lock_fault(errno, "cannot open the lock file", path);
        auto range = whole_file(F_WRLCK);
        if (::fcntl(file.get(), F_OFD_SETLK, &range) != 0) {
            if (errno == EAGAIN || errno == EACCES) return descriptor();
            if (errno != EINTR) return lock_fault(errno, "cannot lock the lock file", path);
        } else if (is_still(file.get(), path)) {
            return file;
        }
    }
}

/// Tells when a lock file is written or closed. Where inotify is not to be had it says nothing.
class change_watch {
public:
    change_watch(const asio::any_io_executor& executor, const std::filesystem::path& path) : events_(executor)
    {
        descriptor instance = above_standard(descriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)));
        if (!instance || ::inotify_add_watch(instance.get(), path.c_str(), IN_MODIFY | IN_CLOSE_WRITE) < 0)
            return;
        error_code failed;
        if (!events_.assign(instance.get(), failed)) instance.release();
    }

    /// Waits for news, but not for ever: a holder that dies, or writes over NFS, gives none.
    awaitable<void> wait(std::chrono::milliseconds at_most)
    {
        const auto executor = co_await asio::this_coro::executor;
        std::vector<awaitable<void>> either;
        either.push_back(patience(executor, at_most));
        if (events_.is_open()) either.push_back(news());
        co_await parallel::race(std::move(either));
        forget_news();
    }

private:
    static awaitable<void> patience(asio::any_io_executor executor, std::chrono::milliseconds span)
    {
        asio::steady_timer timer(executor, span);
        co_await timer.async_wait(use_awaitable);
    }

    awaitable<void> news()
    {
        const auto [failed] = co_await events_.async_wait(asio::posix::stream_descriptor::wait_read,
                                                          asio::as_tuple(use_awaitable));
        if (failed && failed != asio::error::operation_aborted) events_.close();
    }

    void forget_news()
    {
        char dropped[4096];
        while (events_.is_open() && ::read(events_.native_handle(), dropped, sizeof dropped) > 0) {
        }
    }

    asio::posix::stream_descriptor events_;
};

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
    auto file = open_locked(path_);
    if (!file) return file.error();
    if (!*file) return std::optional<lease>();
    return std::optional<lease>(lease(std::move(*file)));
}

awaitable<result<file_lock::lease>> file_lock::acquire()
{
    std::optional<change_watch> watch;
    for (;;) {
        auto held = try_acquire();
        if (!held) co_return held.error();
        if (*held) co_return std::move(**held);
        if (watch)
            co_await watch->wait(look_after_);
        else
            watch.emplace(executor_, path_); // and try again: the holder may have left before we watched
    }
}

result<bool> file_lock::is_held(const std::filesystem::path& path)
{
    const descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
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
