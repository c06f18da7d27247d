/// What the machine has left, as readings.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace graftline {

/// All are >= 0; what cannot be read is 0 used. GB are 2^30 bytes.
struct resource_reading {
    double cpu_percent = 0;
    double memory_percent = 0;
    double memory_available_gb = 0;
    double disk_percent = 0;
    double disk_free_gb = 0;
};

/// Measures CPU use between two calls, so that nothing waits for a sample.
class cpu_meter {
public:
    cpu_meter();
    /// Per cent of the CPUs in use since the last call; calls closer than 100 ms give the same answer again.
    double percent();

private:
    std::uint64_t busy_ = 0;
    std::uint64_t total_ = 0;
    double last_ = 0;
    std::chrono::steady_clock::time_point read_at_;
};

/// Reads all; `on_disk` is any path of the file system that matters. `cpu` outlives the call.
awaitable<resource_reading> read_resources(std::filesystem::path on_disk, cpu_meter& cpu);

struct resource_limits {
    double cpu_percent = 80;
    double memory_percent = 80;
    double disk_free_gb = 0; ///< at least this much; 0 is no limit
};

/// Why nothing more should be started now: "CPU usage too high: 85.2% > 80%". None: resources available.
std::optional<std::string> why_not(const resource_reading& reading, const resource_limits& limits);

} // namespace graftline
