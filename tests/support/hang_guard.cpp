#include "tests/support/hang_guard.hpp"

#include "tests/support/stall_guard.hpp"

namespace graftline::test {

void run_guarded(asio::io_context& io)
{
    io.restart();
    const auto end = std::chrono::steady_clock::now() + hang_limit;
    stall_guard stalls;
    while (!io.stopped() && std::chrono::steady_clock::now() < end) {
        stalls.begin();
        io.run_one_until(end);
        stalls.end();
    }
    EXPECT_LT(stalls.longest_busy(), most_busy) << "one handler kept the loop for itself";
    if (!io.stopped()) {
        ADD_FAILURE() << "hung: the event loop still had work after " << hang_limit.count() << " s";
        io.stop();
    }
}

} // namespace graftline::test
