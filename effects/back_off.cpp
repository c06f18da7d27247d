#include "graftline/effects/back_off.hpp"

#include "graftline/effects/retry_policy.hpp"
#include "graftline/runtime/clock.hpp"

#include <algorithm>

namespace graftline::effects {

using namespace std::chrono_literals;

awaitable<result<backed_off>> back_off::carry_out(run& r) const
{
    retry_policy policy;
    policy.first = r.in().settings().run.backoff.value_or(20s);
    policy.longest = std::max<std::chrono::milliseconds>(policy.first, 2min);
    const auto pause = pause_after(attempts, policy);
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(pause).count();
    r.watcher().doing(task, "agent again in " + std::to_string(seconds) + " s: " + why);
    co_await real_clock().wait_for(pause);
    const auto t = co_await r.find(task);
    co_return backed_off{pause.count(), t.cancel_asked};
}

} // namespace graftline::effects
