#include "graftline/git/repository/patience.hpp"

#include "graftline/runtime/async/shielded.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <random>
#include <string_view>
#include <variant>

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

/// Those that leave nothing behind when they are killed, not even a lock, but objects maybe.
bool only_reads(const std::vector<std::string>& words)
{
    const auto what = subcommand_of(words);
    const auto says = [&](std::string_view word) { return std::ranges::find(words, word) != words.end(); };
    if (what == "config") return says("--list") || says("-l") || says("--get") || says("--get-regexp");
    if (what == "symbolic-ref") return says("--quiet");
    constexpr std::array<std::string_view, 24> reading{
        "cat-file",   "check-attr", "check-ignore", "commit-tree", "diff",     "diff-files",
        "diff-index", "diff-tree",  "for-each-ref", "hash-object", "log",      "ls-files",
        "ls-tree",    "merge-base", "merge-file",   "merge-tree",  "rev-list", "rev-parse",
        "show",       "show-ref",   "status",       "var",         "version",  "write-tree"};
    return std::ranges::find(reading, what) != reading.end();
}

} // namespace

bool was_killed(const command_output& output)
{
    const auto* by = std::get_if<signaled>(&output.status);
    if (!output.overdue.empty()) return false; // it would take as long again
    return by && by->signo == SIGKILL;
}

bool was_ended(const command_output& output)
{
    return std::holds_alternative<signaled>(output.status) || !output.overdue.empty();
}

std::string_view subcommand_of(const std::vector<std::string>& words)
{
    for (std::size_t at = 1; at < words.size(); ++at) {
        if (words[at] == "-c" || words[at] == "-C")
            ++at;
        else if (!words[at].starts_with('-'))
            return words[at];
    }
    return {};
}

awaitable<result<command_output>> run_git(command git)
{
    using namespace std::chrono_literals;
    const bool may_repeat = only_reads(git.words());
    for (const auto pause : {300ms, 1500ms}) {
        auto output = co_await run(git);
        if (!output || !may_repeat || !was_killed(*output)) co_return output;
        asio::steady_timer timer(co_await asio::this_coro::executor, pause);
        co_await timer.async_wait(use_awaitable);
    }
    co_return co_await run(std::move(git));
}

awaitable<result<command_output>> run_patiently(command git)
{
    for (int attempt = 0;; ++attempt) {
        // Killed in between, git leaves half a record that it does not list. These commands are short.
        auto output = co_await shielded(run(git));
        const bool is_over = !output || output->ok() || !output->overdue.empty();
        if (is_over || !is_passing(*output) || attempt == 12) co_return output;
        co_await pause_before_retry(attempt);
    }
}

} // namespace graftline::git
