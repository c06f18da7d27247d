#include "graftline/cli/session/interruption.hpp"

#include "graftline/cli/terminal/failure.hpp"
#include "graftline/runtime/process/running_children.hpp"

#include <unistd.h>

#include <csignal>

namespace graftline::cli {
namespace {

using namespace std::chrono_literals;

// A git that may not be interrupted takes less; a hook of the user's that it waits for may take for ever.
constexpr auto patience = 3s;
constexpr auto grace = 5s; // its lock files are removed in that

} // namespace

interruption::interruption(asio::io_context& loop)
    : signals_(loop, SIGINT, SIGTERM, SIGHUP), last_patience_(loop),
      children_(running_children::of(loop.get_executor()))
{
    listen();
}

void interruption::listen()
{
    signals_.async_wait([this](error_code failed, int) {
        if (failed) return;
        ++count_;
        if (count_ == 1) {
            children_->hurry(signals_.get_executor(), patience, grace);
            if (on_first) on_first();
        }
        if (count_ == 2) {
            if (on_second) on_second();
            children_->kill_all();
            last_patience_.expires_after(2s);
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
