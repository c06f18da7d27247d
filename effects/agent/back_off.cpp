#include "graftline/effects/agent/back_off.hpp"

#include "graftline/effects/run/retry_policy.hpp"
#include "graftline/runtime/files/file_events.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace graftline::effects {

using namespace std::chrono_literals;

namespace {

using clock = std::chrono::system_clock; // it outlives processes
using std::chrono::milliseconds;

retry_policy policy_of(run& r)
{
    retry_policy policy;
    policy.first = r.in().settings().run.backoff.value_or(20s);
    policy.longest = std::max<milliseconds>(policy.first, 2min);
    return policy;
}

/// Until `until`, or the task's cancellation. Whoever asks for that tells nobody but the store, whose log is
/// written then.
awaitable<bool> wait_or_be_cancelled(run& r, const std::string& task, clock::time_point until)
{
    const auto executor = co_await asio::this_coro::executor;
    const auto log = r.in().state_folder() / "state.db-wal";
    for (;;) {
        const auto news = file_events::watch(executor, log); // before looking: nothing is missed in between
        if ((co_await r.find(task)).cancel_asked) co_return true;
        const auto left = std::chrono::ceil<milliseconds>(until - clock::now());
        if (left <= 0ms) co_return false;
        // The machine's clock may be set, and a log begun anew.
        co_await news->wait(std::min<milliseconds>(left, news->works() ? 1min : 1s));
    }
}

} // namespace

awaitable<result<backed_off>> back_off::carry_out(run& r, const effect_place& here) const
{
    constexpr milliseconds most_asked_for = 1h; // a service that asks for more asks in vain
    const auto policy = policy_of(r);
    const auto asked = std::min(milliseconds(retry_after_ms), most_asked_for);
    const auto pause = std::max(pause_after(attempts, policy), asked);
    if (time_left_ms > 0 && pause.count() >= time_left_ms) co_return backed_off{0, false, true};

    const auto began = clock::now();
    // The machine's clock may have been set back.
    auto until = std::clamp<clock::time_point>(here.since + pause, began, began + pause);
    if (!agent.empty()) r.pauses().put_off(agent, until);
    auto seen = r.pauses().times_put_off(agent);
    for (;;) {
        const auto seconds = std::chrono::ceil<std::chrono::seconds>(until - clock::now()).count();
        r.watcher().doing(task, "agent again in " + std::to_string(std::max<std::int64_t>(seconds, 0)) +
                                    " s: " + why);
        if (co_await wait_or_be_cancelled(r, task, until)) co_return backed_off{pause.count(), true, false};
        // Another was turned away later: the service is not well yet.
        const auto others = r.pauses().off_until(agent, clock::now());
        const bool is_news =
            r.pauses().times_put_off(agent) != std::exchange(seen, r.pauses().times_put_off(agent));
        if (!others || !is_news) break;
        until = *others + pause_after(1, policy);
    }
    const auto waited = std::chrono::duration_cast<milliseconds>(clock::now() - began);
    co_return backed_off{std::max(waited, pause).count(), false, false};
}

} // namespace graftline::effects
