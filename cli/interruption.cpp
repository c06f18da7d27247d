#include "graftline/cli/interruption.hpp"

#include "graftline/cli/failure.hpp"

#include <unistd.h>

#include <csignal>

namespace graftline::cli {

interruption::interruption(asio::io_context& loop)
    : signals_(loop, SIGINT, SIGTERM, SIGHUP), last_patience_(loop)
{
    listen();
}

void interruption::listen()
{
    signals_.async_wait([this](error_code failed, int) {
        if (failed) return;
        ++count_;
        if (count_ == 1 && on_first) on_first();
        if (count_ == 2) {
            if (on_second) on_second();
            last_patience_.expires_after(std::chrono::seconds(2));
            last_patience_.async_wait([](error_code stopped) {
                if (!stopped) ::_exit(exit_status::interrupted);
            });
        }
        if (count_ > 2) ::_exit(exit_status::interrupted);
        listen();
    });
}

void interruption::end()
{
    last_patience_.cancel();
    signals_.cancel();
    signals_.clear();
}

} // namespace graftline::cli
