#include <boost/asio/post.hpp>

#include "tests/support/hang_guard.hpp"
#include "tests/support/stall_guard.hpp"
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <time.h>

namespace graftline::test {
namespace {

using namespace std::chrono_literals;

void burn(std::chrono::milliseconds span)
{
    const auto spent = [] {
        timespec now{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
    };
    for (const auto end = spent() + span; spent() < end;) {
    }
}

TEST(stall_guard, tells_work_from_waiting)
{
    stall_guard seen;
    seen.begin();
    burn(120ms);
    seen.end();
    EXPECT_GE(seen.longest_busy(), 120ms);
    const auto busy = seen.longest_busy();
    seen.begin();
    ::poll(nullptr, 0, 200);
    seen.end();
    EXPECT_EQ(seen.longest_busy(), busy);
}

TEST(stall_guard, a_handler_that_keeps_the_loop_fails_its_test)
{
    const auto before = std::exchange(most_busy, 60ms);
    EXPECT_NONFATAL_FAILURE(
        {
            asio::io_context io(1);
            asio::post(io, [] { burn(100ms); });
            run_guarded(io);
        },
        "kept the loop for itself");
    most_busy = before;
}

} // namespace
} // namespace graftline::test
