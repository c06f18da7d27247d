#include "graftline/effects/tasks/fresh_id.hpp"

#include <random>

namespace graftline::effects {

std::string fresh_id(std::string_view prefix, std::size_t digits)
{
    thread_local std::random_device source;
    std::string id(prefix);
    for (std::size_t i = 0; i < digits; ++i)
        id += "0123456789abcdef"[source() % 16];
    return id;
}

} // namespace graftline::effects
