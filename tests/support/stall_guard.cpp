#include "tests/support/stall_guard.hpp"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace graftline::test {
namespace {

using std::chrono::nanoseconds;
using namespace std::chrono_literals;

constexpr auto freshness = 20ms; // readings cost a few microseconds: not one for each handler
constexpr auto worth_a_look = 50ms;

} // namespace

stall_guard::times stall_guard::read()
{
    times now;
    timespec spent{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    now.busy = std::chrono::seconds(spent.tv_sec) + nanoseconds(spent.tv_nsec);
    char text[128]{};
    const int file = ::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    if (file < 0) return now;
    long long on_processor = 0, queued = 0;
    now.knows_queue = ::read(file, text, sizeof text - 1) > 0 &&
                      std::sscanf(text, "%lld %lld", &on_processor, &queued) == 2 && on_processor > 0;
    ::close(file);
    now.queued = nanoseconds(queued);
    return now;
}

stall_guard::stall_guard() : known_(read()), known_at_(clock::now()), began_(known_at_) {}

void stall_guard::begin(milliseconds waits)
{
    began_ = clock::now();
    waits_ = waits;
    if (began_ - known_at_ < freshness) return;
    known_ = read();
    known_at_ = began_;
}

void stall_guard::end()
{
    const auto took = clock::now() - began_ - waits_;
    if (took < worth_a_look) return;
    const auto now = read();
    const auto busy = now.busy - known_.busy;
    longest_busy_ = std::max(longest_busy_, std::chrono::duration_cast<milliseconds>(busy));
    if (now.knows_queue && known_.knows_queue) {
        const auto blocked = took - busy - (now.queued - known_.queued);
        longest_blocked_ = std::max(longest_blocked_, std::chrono::duration_cast<milliseconds>(blocked));
    }
    known_ = now;
    known_at_ = clock::now();
}

} // namespace graftline::test
