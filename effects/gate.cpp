#include "graftline/effects/gate.hpp"

#include "graftline/effects/remove_worktree.hpp"
#include "graftline/effects/worktree_command.hpp"
#include "graftline/git/worktree.hpp"
#include "graftline/runtime/supervised.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::effects {
namespace {

std::filesystem::path log_of(const std::filesystem::path& folder)
{
    std::error_code ignored;
    const bool quiet = std::filesystem::file_size(folder / "stdout.log", ignored) == 0;
    return folder / (quiet ? "stderr.log" : "stdout.log");
}

awaitable<result<exit_record>> run_gate(run& r, attempt_spec spec)
{
    auto started = co_await supervised::start(r.in().supervisor_command, std::move(spec));
    if (!started) co_return started.error();
    std::exception_ptr stopped;
    try {
        co_return co_await started->wait();
    } catch (...) {
        stopped = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    started->cancel();
    co_await started->wait();
    std::rethrow_exception(stopped);
}

awaitable<result<std::optional<gate_failure>>> run_all(run& r, const task& t,
                                                       const std::filesystem::path& checkout,
                                                       const std::vector<std::vector<std::string>>& gates)
{
    for (const auto& words : gates) {
        r.watcher().doing(t.id, "gate: " + quoted(words));
        attempt_spec spec(r.in().log_folder(t.id) / fresh_id("gate-", 8), words);
        spec.cwd = checkout;
        spec.environment = worktree_command(words, checkout, t.id).environment();
        // One that hangs would keep every other task from landing.
        if (t.spec.timeout_ms) spec.timeout = std::chrono::milliseconds(*t.spec.timeout_ms);
        spec.grace = std::chrono::milliseconds(t.spec.grace_ms);
        const auto folder = spec.folder;
        const auto ended = co_await run_gate(r, std::move(spec));
        if (!ended) co_return ended.error();
        if (ended->how == ending::could_not_start)
            co_return fault(errc::could_not_start, ended->words).with("gate", quoted(words));
        if (ended->how != ending::exited || ended->code != 0)
            co_return gate_failure{quoted(words), ended->words, log_of(folder).string()};
    }
    co_return std::nullopt;
}

} // namespace

awaitable<result<std::optional<gate_failure>>> run_gates(run& r, std::string task, git::oid merged,
                                                         std::vector<std::vector<std::string>> gates)
{
    if (gates.empty()) co_return std::nullopt;
    const std::string id = fresh_id("gate-", 8);
    const auto checkout = r.in().state_folder() / "scratch" / id;
    auto made = co_await git::add_worktree(
        r.repository(), git::worktree_request(checkout, "", std::move(merged)).lock(lock_reason(id)));
    if (!made) co_return made.error();

    result<std::optional<gate_failure>> outcome = std::nullopt;
    std::exception_ptr stopped;
    try {
        const auto t = co_await r.find(task);
        outcome = co_await run_all(r, t, checkout, gates);
    } catch (...) {
        stopped = std::current_exception();
    }
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    auto removed = co_await git::remove_worktree(r.repository(), checkout, lock_reason(id));
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    if (stopped) std::rethrow_exception(stopped);
    if (!removed && outcome) co_return removed.error();
    co_return outcome;
}

} // namespace graftline::effects
