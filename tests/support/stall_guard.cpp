#include "tests/support/stall_guard.hpp"

#include <time.h>

#include <algorithm>

namespace graftline::test {
namespace {

using namespace std::chrono_literals;

constexpr auto freshness = 20ms; // asking is a system call: not one for each handler
constexpr auto worth_a_look = 50ms;

std::chrono::nanoseconds spent_by_this_thread()
{
    timespec spent{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

} // namespace

stall_guard::stall_guard() : busy_(spent_by_this_thread()), asked_(clock::now()), began_(asked_) {}

void stall_guard::begin()
{
    began_ = clock::now();
    if (began_ - asked_ < freshness) return;
    busy_ = spent_by_this_thread();
    asked_ = began_;
}

void stall_guard::end()
{
    const auto now = clock::now();
    if (now - began_ < worth_a_look) return;
    const auto spent = spent_by_this_thread();
    longest_busy_ = std::max(longest_busy_, std::chrono::duration_cast<milliseconds>(spent - busy_));
    busy_ = spent;
    asked_ = now;
}

} // namespace graftline::test
