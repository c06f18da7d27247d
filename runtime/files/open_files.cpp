#include "graftline/runtime/files/open_files.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <limits>

namespace graftline {
namespace {

constexpr rlim_t enough = 65'536; // there are programs that try to close all descriptors up to the limit

std::atomic<std::uint64_t> before_us{0};

} // namespace

void allow_more_open_files() noexcept
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    const auto soft = limit.rlim_cur;
    limit.rlim_cur = std::min(limit.rlim_max, enough);
    if (soft >= limit.rlim_cur || ::setrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    before_us = soft;
}

std::optional<std::uint64_t> usual_open_files() noexcept
{
    const std::uint64_t soft = before_us;
    return soft == 0 ? std::nullopt : std::optional(soft);
}

void limit_open_files(std::uint64_t soft) noexcept
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = std::min<rlim_t>(soft, limit.rlim_max);
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::size_t descriptors_left()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return std::numeric_limits<std::size_t>::max();
    std::error_code failed; // then none are counted
    std::size_t open = 0;
    for (std::filesystem::directory_iterator at("/proc/self/fd", failed), end; !failed && at != end;
         at.increment(failed))
        ++open;
    return limit.rlim_cur > open ? static_cast<std::size_t>(limit.rlim_cur) - open : 0;
}

} // namespace graftline
