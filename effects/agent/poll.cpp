#include "graftline/effects/agent/poll.hpp"

#include "graftline/runtime/process/command.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace graftline::effects {

awaitable<result<polled>> poll::carry_out(run& r, const effect_place& here) const
{
    using std::chrono::milliseconds;
    using clock = std::chrono::steady_clock; // the machine's may be set meanwhile
    if (words.empty()) co_return fault(errc::invalid, "poll needs a command");
    const auto& repo = r.repository();
    const auto since = std::chrono::ceil<milliseconds>(std::chrono::system_clock::now() - here.since);
    const auto spent = std::clamp(since, milliseconds(0), milliseconds(limit_ms)); // by processes before
    const auto deadline = clock::now() + milliseconds(limit_ms) - spent;
    asio::steady_timer again(co_await asio::this_coro::executor);
    polled so_far;
    for (;;) {
        command attempt(words.front());
        for (std::size_t i = 1; i < words.size(); ++i)
            attempt.add(words[i]);
        attempt.in(repo.main_work_tree().value_or(repo.common_dir()));
        const auto left = std::chrono::ceil<milliseconds>(deadline - clock::now());
        attempt.take_at_most(std::max(left, milliseconds(every_ms))); // the last one gets its time, too
        const auto ended = co_await graftline::run(std::move(attempt));
        if (!ended) co_return ended.error();
        ++so_far.tries;
        so_far.passed = ended->ok();
        const auto next = clock::now() + milliseconds(every_ms);
        if (so_far.passed || next > deadline) co_return so_far;
        again.expires_at(next);
        co_await again.async_wait(use_awaitable);
    }
}

} // namespace graftline::effects
