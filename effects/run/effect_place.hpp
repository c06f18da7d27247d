/// Where in its run an effect is carried out.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace graftline::effects {

/// For effects whose work outlives their process: what was begun in the same place is theirs.
struct effect_place {
    std::string path; ///< in the tree of effects
    std::int64_t attempt =
        1; ///< more than 1: it began before, in this process or another, and has no outcome
    std::chrono::system_clock::time_point since{}; ///< when the first attempt began: deadlines count from it
};

} // namespace graftline::effects
