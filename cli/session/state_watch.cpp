#include "graftline/cli/session/state_watch.hpp"

#include "graftline/runtime/async/deadline.hpp"
#include "graftline/runtime/base/clock.hpp"

#include <sys/inotify.h>
#include <unistd.h>

namespace graftline::cli {
namespace {

awaitable<bool> readable(asio::posix::stream_descriptor& events)
{
    co_await events.async_wait(asio::posix::stream_descriptor::wait_read, use_awaitable);
    co_return true;
}

} // namespace

state_watch::state_watch(asio::any_io_executor executor, const std::filesystem::path& state_folder)
    : events_(std::move(executor))
{
    const int fd = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd < 0) return;
    if (::inotify_add_watch(fd, state_folder.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE) < 0) {
        ::close(fd);
        return;
    }
    events_.assign(fd);
}

awaitable<void> state_watch::change(std::chrono::milliseconds at_most)
{
    if (!events_.is_open()) {
        co_await real_clock().wait_for(at_most);
        co_return;
    }
    if (!co_await within(at_most, readable(events_))) co_return;
    // A transaction is several writes: its rest, and what follows at once, is the same change.
    co_await real_clock().wait_for(std::chrono::milliseconds(50));
    char discarded[4096];
    while (::read(events_.native_handle(), discarded, sizeof discarded) > 0) {
    }
}

} // namespace graftline::cli
