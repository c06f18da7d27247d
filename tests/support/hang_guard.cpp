#include "tests/support/hang_guard.hpp"

namespace graftline::test {

void run_guarded(asio::io_context& io)
{
    io.restart();
    io.run_for(hang_limit);
    if (!io.stopped()) {
        ADD_FAILURE() << "hung: the event loop still had work after " << hang_limit.count() << " s";
        io.stop();
    }
}

} // namespace graftline::test
