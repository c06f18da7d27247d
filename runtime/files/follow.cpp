#include "graftline/runtime/files/follow.hpp"

#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/files/file_events.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>

namespace graftline {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t chunk_size = 64 * 1024;
constexpr auto pause_between_watches = 50ms; // a file written at full speed wakes us twenty times a second
constexpr auto pause_without_events = 250ms; // then re-reading is all that is left
constexpr std::size_t most_in_a_row = 256 * 1024; // before others get their turn

} // namespace

class follower::impl {
public:
    impl(asio::any_io_executor executor, std::filesystem::path path)
        : executor_(std::move(executor)), path_(std::move(path)), pause_(executor_)
    {
    }

    // What is there now; empty when nothing is.
    result<std::string> read_what_is_there()
    {
        if (!file_) file_ = descriptor(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (!file_ && (errno == ENOENT || errno == ENOTDIR)) return std::string();
        std::string bytes(chunk_size, '\0');
        const auto got = file_ ? ::pread(file_.get(), bytes.data(), bytes.size(), offset_) : -1;
        if (got < 0) return system_fault(errno, "could not read " + path_.string());
        offset_ += got;
        in_a_row_ += static_cast<std::size_t>(got);
        bytes.resize(static_cast<std::size_t>(got));
        return bytes;
    }

    awaitable<result<std::string>> read_some()
    {
        if (in_a_row_ >= most_in_a_row) co_await let_others_go();
        for (;;) {
            const bool last_look = finished_;
            auto bytes = read_what_is_there();
            if (!bytes || !bytes->empty() || last_look) co_return bytes;
            // Watch, then look again: what was written between is not announced.
            auto growth = file_events::watch(executor_, file_ ? path_ : nearest_folder());
            last_watch_ = std::chrono::steady_clock::now();
            bytes = read_what_is_there();
            if (!bytes || !bytes->empty()) co_return bytes;
            if (finished_) continue;
            growth_ = growth;
            co_await growth->wait(growth->works() ? file_events::ticket::for_ever : pause_without_events);
            growth_.reset();
            in_a_row_ = 0;
            co_await rest();
        }
    }

    void finish()
    {
        finished_ = true;
        pause_.cancel();
        if (auto growth = growth_.lock()) growth->wake();
    }

    void skip_to(std::uint64_t offset) noexcept { offset_ = static_cast<off_t>(offset); }
    void take_time() noexcept { takes_time_ = true; }

    std::uint64_t unread() const noexcept
    {
        struct stat info{};
        if (!file_ || ::fstat(file_.get(), &info) != 0 || info.st_size <= offset_) return 0;
        return static_cast<std::uint64_t>(info.st_size - offset_);
    }
    std::uint64_t offset() const noexcept { return static_cast<std::uint64_t>(offset_); }

private:
    // Where the file, or a folder on the way to it, will be made.
    std::filesystem::path nearest_folder() const
    {
        auto folder = std::filesystem::absolute(path_).parent_path();
        std::error_code ignored;
        while (folder.has_relative_path() && !std::filesystem::is_directory(folder, ignored)) {
            folder = folder.parent_path();
        }
        return folder;
    }

    // A writer that is faster than we are must not keep the loop for itself.
    awaitable<void> let_others_go()
    {
        in_a_row_ = 0;
        co_await asio::post(executor_, use_awaitable);
        if (!takes_time_) co_return;
        co_await rest();
        last_watch_ = std::chrono::steady_clock::now();
    }

    awaitable<void> rest()
    {
        if (finished_) co_return;
        pause_.expires_at(last_watch_ + pause_between_watches);
        error_code woken;
        co_await pause_.async_wait(asio::redirect_error(use_awaitable, woken));
    }

    asio::any_io_executor executor_;
    std::filesystem::path path_;
    asio::steady_timer pause_;
    descriptor file_;
    off_t offset_ = 0;
    std::size_t in_a_row_ = 0; // bytes read since the loop had a turn
    bool takes_time_ = false;
    bool finished_ = false;
    std::chrono::steady_clock::time_point last_watch_;
    std::weak_ptr<file_events::ticket> growth_;
};

follower::follower(asio::any_io_executor executor, std::filesystem::path path)
    : inside_(std::make_unique<impl>(std::move(executor), std::move(path)))
{
}

follower::follower(follower&&) noexcept = default;
follower& follower::operator=(follower&&) noexcept = default;
follower::~follower() = default;

awaitable<result<std::string>> follower::read_some()
{
    return inside_->read_some();
}
void follower::finish()
{
    inside_->finish();
}
void follower::skip_to(std::uint64_t offset) noexcept
{
    inside_->skip_to(offset);
}
void follower::take_time() noexcept
{
    inside_->take_time();
}
bool follower::skip_all_but(std::uint64_t tail) noexcept
{
    const auto unread = inside_->unread();
    if (unread <= tail) return false;
    inside_->skip_to(inside_->offset() + unread - tail);
    return true;
}

} // namespace graftline
