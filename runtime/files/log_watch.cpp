#include "graftline/runtime/files/log_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

namespace graftline {
namespace {

using namespace std::chrono_literals;

// Closing an inotify instance takes the kernel 10 to 20 ms: what ends soon does without.
constexpr auto first_look = 500ms;
constexpr auto pause_after_event = 100ms;
constexpr auto pause_without_events = 500ms;

} // namespace

log_watch::log_watch(std::vector<std::filesystem::path> files)
    : files_(std::move(files)), next_(std::chrono::steady_clock::now() + first_look)
{
}

// One-shot, or a fast writer would wake us for each of its writes.
void log_watch::arm()
{
    if (!events_) events_ = descriptor(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    armed_ = static_cast<bool>(events_);
    for (const auto& file : files_) {
        armed_ = armed_ && ::inotify_add_watch(events_.get(), file.c_str(), IN_MODIFY | IN_ONESHOT) >= 0;
    }
    next_ = std::chrono::steady_clock::now() + pause_without_events;
}

log_watch::moment log_watch::next() const noexcept
{
    return armed_ ? moment::max() : next_;
}

void log_watch::take_event()
{
    char dropped[1024];
    while (::read(events_.get(), dropped, sizeof dropped) > 0) {
    }
    armed_ = false;
    next_ = std::chrono::steady_clock::now() + pause_after_event;
}

bool log_watch::due()
{
    if (armed_ || std::chrono::steady_clock::now() < next_) return false;
    arm(); // before the look: growth after it is an event again
    return true;
}

} // namespace graftline
