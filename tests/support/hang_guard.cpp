#include "tests/support/hang_guard.hpp"

#include "tests/support/stall_guard.hpp"

namespace graftline::test {

using namespace std::chrono_literals;

namespace {

constexpr auto turn = 5ms; // the longest wait of one turn: more than that, a handler took

void expect_no_stall(const stall_guard& seen)
{
    EXPECT_LT(seen.longest_busy(), most_busy) << "one handler kept the loop for itself";
    EXPECT_LT(seen.longest_blocked(), most_blocked) << "one handler blocked the loop";
}

} // namespace

void run_guarded(asio::io_context& io)
{
    io.restart();
    const auto end = std::chrono::steady_clock::now() + hang_limit;
    stall_guard stalls;
    while (!io.stopped() && std::chrono::steady_clock::now() < end) {
        stalls.begin(turn);
        io.run_one_for(turn);
        stalls.end();
    }
    expect_no_stall(stalls);
    if (!io.stopped()) {
        ADD_FAILURE() << "hung: the event loop still had work after " << hang_limit.count() << " s";
        io.stop();
    }
}

} // namespace graftline::test
