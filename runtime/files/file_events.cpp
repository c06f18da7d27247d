#include "graftline/runtime/files/file_events.hpp"

#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/system/system_error.hpp>

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <tuple>
#include <vector>

namespace graftline::file_events {

/// The instance, and who waits for which watch. Reads only while somebody waits, so that an idle loop can
/// end. Safe between the threads of its context; tickets are rung on their own executors.
class hub : public std::enable_shared_from_this<hub> {
public:
    void add(const std::shared_ptr<ticket>& one, const std::filesystem::path& path)
    {
        const std::lock_guard lock(guard_);
        if (closed_ || !open(one->bell_.get_executor())) return;
        constexpr std::uint32_t news = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_ONESHOT;
        one->watch_ = ::inotify_add_watch(events_->native_handle(), path.c_str(), news);
        if (one->watch_ < 0) return;
        waiting_.emplace(one->watch_, waiter{one.get(), one});
        listen();
    }

    void remove(const ticket* one)
    {
        const std::lock_guard lock(guard_);
        if (one->watch_ < 0) return;
        const auto [from, to] = waiting_.equal_range(one->watch_);
        for (auto at = from; at != to; ++at) {
            if (at->second.address != one) continue;
            waiting_.erase(at);
            break;
        }
        if (!events_) return;
        if (!waiting_.contains(one->watch_)) ::inotify_rm_watch(events_->native_handle(), one->watch_);
        error_code ignored;
        if (waiting_.empty()) std::ignore = events_->cancel(ignored);
    }

    void close()
    {
        const std::lock_guard lock(guard_);
        closed_ = true;
        waiting_.clear();
        events_.reset();
    }

private:
    struct waiter {
        const ticket* address;
        std::weak_ptr<ticket> bell;
    };

    bool open(const asio::any_io_executor& executor)
    {
        if (events_) return true;
        descriptor instance = above_standard(descriptor(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)));
        if (!instance) return false; // asked again at the next watch: instances come back
        events_.emplace(executor, instance.release());
        return true;
    }

    void listen()
    {
        if (listening_) return;
        listening_ = true;
        events_->async_wait(asio::posix::stream_descriptor::wait_read,
                            [self = shared_from_this()](const error_code& failure) { self->heard(failure); });
    }

    void heard(const error_code& failure)
    {
        const std::lock_guard lock(guard_);
        listening_ = false;
        if (!events_) return;
        if (!failure) read_events();
        if (!waiting_.empty()) listen();
    }

    void read_events()
    {
        alignas(inotify_event) char buffer[16 * 1024];
        for (;;) {
            const auto got = ::read(events_->native_handle(), buffer, sizeof buffer);
            if (got <= 0) return;
            for (ssize_t at = 0; at < got;) {
                inotify_event event;
                std::memcpy(&event, buffer + at, sizeof event);
                at += static_cast<ssize_t>(sizeof event + event.len);
                if (event.mask & IN_Q_OVERFLOW) {
                    ring(waiting_.begin(), waiting_.end());
                } else {
                    const auto [from, to] = waiting_.equal_range(event.wd);
                    ring(from, to);
                }
            }
        }
    }

    using waiters = std::multimap<int, waiter>;

    void ring(waiters::iterator from, waiters::iterator to)
    {
        for (auto at = from; at != to; ++at) {
            auto one = at->second.bell.lock();
            if (!one) continue;
            auto where = one->bell_.get_executor();
            asio::post(where, [one = std::move(one)] { one->wake(); });
        }
        waiting_.erase(from, to);
    }

    std::mutex guard_;
    std::optional<asio::posix::stream_descriptor> events_;
    waiters waiting_;
    bool listening_ = false;
    bool closed_ = false;
};

namespace {

// Tickets share the hub: they may go after the services of their context.
class hub_service : public asio::execution_context::service {
public:
    using key_type = hub_service;
    static asio::execution_context::id id;

    explicit hub_service(asio::execution_context& context) : service(context) {}
    const std::shared_ptr<hub>& shared() const noexcept { return hub_; }

private:
    void shutdown() override { hub_->close(); }
    std::shared_ptr<hub> hub_ = std::make_shared<hub>();
};

asio::execution_context::id hub_service::id;

} // namespace

ticket::ticket(asio::any_io_executor executor, std::shared_ptr<hub> from)
    : hub_(std::move(from)), bell_(std::move(executor))
{
}

ticket::~ticket()
{
    hub_->remove(this);
}

awaitable<void> ticket::wait(std::chrono::milliseconds limit)
{
    if (rung_) co_return;
    if (limit == for_ever) {
        bell_.expires_at(asio::steady_timer::time_point::max());
    } else {
        bell_.expires_after(limit);
    }
    error_code woken;
    co_await bell_.async_wait(asio::redirect_error(use_awaitable, woken));
    if (woken && !rung_) throw boost::system::system_error(asio::error::operation_aborted);
}

void ticket::wake()
{
    rung_ = true;
    bell_.cancel();
}

std::shared_ptr<ticket> watch(const asio::any_io_executor& executor, const std::filesystem::path& path)
{
    auto& context = asio::query(executor, asio::execution::context);
    auto one = std::make_shared<ticket>(executor, asio::use_service<hub_service>(context).shared());
    asio::use_service<hub_service>(context).shared()->add(one, path);
    return one;
}

} // namespace graftline::file_events
