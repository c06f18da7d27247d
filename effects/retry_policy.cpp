#include "graftline/effects/retry_policy.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>

namespace graftline::effects {

bool is_worth_another_attempt(const fault& why) noexcept
{
    if (why.is(errc::busy)) return true;
    if (why.code().category() != boost::system::system_category()) return false;
    constexpr std::array passing{EAGAIN, EINTR, EBUSY, ETXTBSY, ECONNRESET, ETIMEDOUT, ENOLCK};
    return std::ranges::find(passing, why.code().value()) != passing.end();
}

std::chrono::milliseconds pause_after(int attempt, const retry_policy& policy)
{
    thread_local std::minstd_rand chance{std::random_device{}()};
    const auto doubled = policy.first * (std::int64_t{1} << std::clamp(attempt - 1, 0, 30));
    const auto limit = std::min(doubled, policy.longest);
    return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(0, limit.count())(chance));
}

} // namespace graftline::effects
