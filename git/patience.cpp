#include "graftline/git/patience.hpp"

#include "graftline/runtime/shielded.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <string_view>

namespace graftline::git {
namespace {

bool is_passing(const command_output& output)
{
    for (const std::string_view part :
         {"commondir", "could not lock config", ".lock': File exists", "failed to read",
          "could not create directory", "could not create leading", "unable to write upstream",
          "cannot lock ref",
          // A foreign `worktree prune` between two steps of ours took the half-made record away.
          "No such file or directory", "not a git repository"})
        if (output.err.find(part) != std::string::npos) return true;
    return false;
}

/// A pause that grows and differs between processes, so that they do not meet again.
awaitable<void> pause_before_retry(int attempt)
{
    static thread_local std::minstd_rand random(std::random_device{}());
    const auto longest = std::chrono::milliseconds(20) * (1 << std::min(attempt, 6));
    const auto pause = longest / 2 + longest * (random() % 100) / 200;
    asio::steady_timer timer(co_await asio::this_coro::executor, pause);
    co_await timer.async_wait(use_awaitable);
}

} // namespace

awaitable<result<command_output>> run_patiently(command git)
{
    for (int attempt = 0;; ++attempt) {
        // Killed in between, git leaves half a record that it does not list. These commands are short.
        auto output = co_await shielded(run(git));
        if (!output || output->ok() || !is_passing(*output) || attempt == 12) co_return output;
        co_await pause_before_retry(attempt);
    }
}

} // namespace graftline::git
