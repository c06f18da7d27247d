#include "graftline/effects/run/retry_policy.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>

namespace graftline::effects {
namespace {

template <std::size_t N> bool is_one_of(const std::array<int, N>& numbers, const fault& why)
{
    return why.code().category() == boost::system::system_category() &&
           std::ranges::find(numbers, why.code().value()) != numbers.end();
}

} // namespace

bool is_worth_another_attempt(const fault& why) noexcept
{
    if (why.is(errc::busy)) return true;
    constexpr std::array passing{EAGAIN, EINTR, EBUSY, ETXTBSY, ECONNRESET, ETIMEDOUT, ENOLCK};
    return is_one_of(passing, why);
}

bool is_of_the_environment(const fault& why) noexcept
{
    if (why.is(errc::no_space) || why.is(errc::unusable)) return true;
    // Rights are left out: an agent's own files may lack them.
    constexpr std::array broken{EROFS, EIO, ENOMEM, EMFILE, ENFILE, ENODEV, ENXIO, ESTALE};
    return is_one_of(broken, why);
}

std::chrono::milliseconds pause_after(int attempt, const retry_policy& policy)
{
    thread_local std::minstd_rand chance{std::random_device{}()};
    const auto doubled = policy.first * (std::int64_t{1} << std::clamp(attempt - 1, 0, 30));
    const auto limit = std::min(doubled, policy.longest);
    return std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(0, limit.count())(chance));
}

} // namespace graftline::effects
