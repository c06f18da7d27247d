/// Which process it is, also after others have had its number.
#pragma once

#include "graftline/runtime/base/clock.hpp"

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace graftline {

/// The name, in the environment of all that an agent starts, of the token of its attempt.
inline constexpr const char* attempt_token_variable = "GRAFTLINE_ATTEMPT_TOKEN";

/// Who a supervisor is. Serves signalling only; it is verified before every use.
struct process_identity {
    pid_t pid = 0;                ///< of the supervisor
    std::uint64_t start_time = 0; ///< clock ticks since boot
    std::string boot_id;
    std::string pid_namespace;
    std::string cgroup; ///< folder of the agent's own control group, if one could be made there; empty if not
    std::string token;  ///< in the environment of everything the agent starts: GRAFTLINE_ATTEMPT_TOKEN
    utc_time started_at{};
};

/// The process still lives, and is the same one: not another with its pid.
bool is_alive(const process_identity& identity);

} // namespace graftline
