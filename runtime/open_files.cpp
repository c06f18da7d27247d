#include "graftline/runtime/open_files.hpp"

#include <sys/resource.h>

#include <filesystem>
#include <limits>

namespace graftline {

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
