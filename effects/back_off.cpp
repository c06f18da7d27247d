#include "graftline/effects/back_off.hpp"

#include "graftline/effects/retry_policy.hpp"
#include "graftline/runtime/clock.hpp"

#include <algorithm>

namespace graftline::effects {

using namespace std::chrono_literals;

awaitable<result<backed_off>> back_off::carry_out(run& r, const effect_place& here) const
{
    using clock = std::chrono::system_clock; // it outlives processes
    retry_policy policy;
    policy.first = r.in().settings().run.backoff.value_or(20s);
    policy.longest = std::max<std::chrono::milliseconds>(policy.first, 2min);
    const auto pause = pause_after(attempts, policy);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(here.since + pause - clock::now());
    const auto rest = std::clamp(left, 0ms, pause); // the machine's clock may have been set back
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(rest).count();
    r.watcher().doing(task, "agent again in " + std::to_string(seconds) + " s: " + why);
    // Whoever cancels the task tells nobody but the store.
    std::chrono::milliseconds waited{0};
    bool cancelled = (co_await r.find(task)).cancel_asked;
    while (waited < rest && !cancelled) {
        const auto step = std::min<std::chrono::milliseconds>(rest - waited, 1s);
        co_await real_clock().wait_for(step);
        waited += step;
        cancelled = (co_await r.find(task)).cancel_asked;
    }
    co_return backed_off{pause.count(), cancelled};
}

} // namespace graftline::effects
