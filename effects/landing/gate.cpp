#include "graftline/effects/landing/gate.hpp"

#include "graftline/effects/checkout/furnish.hpp"
#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/effects/checkout/worktree_command.hpp"
#include "graftline/effects/landing/gate_name.hpp"
#include "graftline/effects/landing/gate_verdicts.hpp"
#include "graftline/effects/run/retry_policy.hpp"
#include "graftline/effects/run/task_time.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/files/disk_probe.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::effects {
namespace {

using namespace std::chrono_literals;

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
    co_await asio::this_coro::throw_if_cancelled(false); // its end is awaited, cancelled or not
    started->cancel();
    co_await shielded(started->wait());
    co_await asio::this_coro::throw_if_cancelled(true);
    std::rethrow_exception(stopped);
}

/// One candidate's gates on their way.
class trial {
public:
    trial(run& r, task t, candidate what)
        : run_(r), task_(std::move(t)), what_(std::move(what)), name_(gate_name(r.id()))
    {
    }

    /// Gates whose verdict is not known; a known failure ends it all.
    result<std::optional<gate_failure>> recall(std::vector<std::vector<std::string>>& gates)
    {
        std::vector<std::vector<std::string>> unknown;
        for (const auto& words : gates) {
            const auto said = verdicts_.find(key_of(words));
            if (!said)
                unknown.push_back(words);
            else if (!said->passed)
                return gate_failure{quoted(words), said->how + ", as before on the same files", said->log};
        }
        gates = std::move(unknown);
        return std::nullopt;
    }

    awaitable<result<std::optional<gate_failure>>> test(std::vector<std::vector<std::string>> gates)
    {
        const std::string& id = name_;
        const auto checkout = run_.in().state_folder() / "scratch" / id;
        task_time time(run_, task_.id, 0);
        time.covers(checkout.string(), {});
        auto made = co_await git::add_worktree(
            run_.repository(), git::worktree_request(checkout, "", what_.commit).lock(lock_reason(id)));
        if (!made) co_return made.error();

        result<std::optional<gate_failure>> outcome = std::nullopt;
        std::exception_ptr stopped;
        try {
            outcome = co_await run_all(checkout, gates);
        } catch (...) {
            stopped = std::current_exception();
        }
        co_await asio::this_coro::throw_if_cancelled(false); // cleaning up is awaited, cancelled or not
        auto removed = co_await shielded(git::remove_worktree(run_.repository(), checkout, lock_reason(id)));
        co_await asio::this_coro::throw_if_cancelled(true);
        if (stopped) std::rethrow_exception(stopped);
        if (!removed && outcome) co_return removed.error();
        co_return outcome;
    }

private:
    std::string key_of(const std::vector<std::string>& words) const
    {
        const auto anywhere = worktree_command(run_.repository(), words, run_.in().state_folder(), "");
        return gate_verdicts::key(what_.tree.hex(), words, anywhere.environment());
    }

    awaitable<result<std::optional<gate_failure>>> run_all(const std::filesystem::path& checkout,
                                                           const std::vector<std::vector<std::string>>& gates)
    {
        if (auto furnished = co_await furnish(run_, checkout, task_.id); !furnished)
            co_return furnished.error();
        for (const auto& words : gates) {
            run_.watcher().doing(task_.id, "gate: " + quoted(words));
            auto failed = co_await run_one(checkout, words);
            if (!failed || *failed) co_return failed;
        }
        co_return std::nullopt;
    }

    awaitable<result<std::optional<gate_failure>>> run_one(const std::filesystem::path& checkout,
                                                           const std::vector<std::string>& words)
    {
        const auto folder_name = name_ + "-" + std::to_string(++commands_);
        attempt_spec spec(run_.in().log_folder(task_.id) / folder_name, words);
        spec.cwd = checkout;
        spec.environment = worktree_command(run_.repository(), words, checkout, task_.id).environment();
        spec.timeout = limit();
        spec.grace = std::chrono::milliseconds(task_.spec.grace_ms);
        const auto folder = spec.folder;
        const auto ended = co_await run_gate(run_, std::move(spec));
        if (!ended) co_return ended.error();
        if (ended->how == ending::could_not_start)
            co_return fault(errc::could_not_start, ended->words).with("gate", quoted(words));
        const bool passed = ended->how == ending::exited && ended->code == 0;
        if (!passed) {
            // On a disk that takes nothing any more it may have failed of that alone.
            std::vector<std::filesystem::path> disks{checkout, run_.repository().common_dir() / "objects"};
            const auto written = co_await try_writing(std::move(disks));
            if (!written && is_of_the_environment(written.error()))
                co_return written.error().with("gate", quoted(words));
            if (!ended->full_disk.empty())
                co_return fault(errc::no_space, "the disk was full while the gate ran: " + ended->full_disk)
                    .with("gate", quoted(words));
        }
        const auto log = log_of(folder).string();
        // An exit is the gate's own word; one that was ended from outside has not spoken.
        if (ended->how == ending::exited)
            if (auto kept = verdicts_.remember(key_of(words), {passed, ended->words, log}); !kept)
                run_.watcher().note(kept.error().message());
        if (passed) co_return std::nullopt;
        co_return gate_failure{quoted(words), ended->words, log};
    }

    /// One that hangs would keep every other task from landing, all night.
    std::chrono::milliseconds limit() const
    {
        if (const auto& configured = run_.in().settings().gate.timeout) return *configured;
        if (task_.spec.timeout_ms) return std::chrono::milliseconds(*task_.spec.timeout_ms);
        return 2h;
    }

    run& run_;
    task task_;
    candidate what_;
    std::string name_;
    int commands_ = 0;
    gate_verdicts verdicts_{run_.in().state_folder() / "verdicts"};
};

} // namespace

awaitable<result<std::optional<gate_failure>>>
run_gates(run& r, std::string task, candidate what, std::vector<std::vector<std::string>> gates, bool again)
{
    auto t = co_await r.find(std::move(task));
    trial one(r, std::move(t), std::move(what));
    if (!again) {
        auto known = one.recall(gates);
        if (!known || *known) co_return known;
    }
    if (gates.empty()) co_return std::nullopt;
    co_return co_await one.test(std::move(gates));
}

} // namespace graftline::effects
