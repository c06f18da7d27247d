#include "graftline/runtime/files/resources.hpp"

#include "graftline/runtime/async/offload.hpp"

#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace graftline {
namespace {

namespace fs = std::filesystem;

constexpr double gb = 1024.0 * 1024 * 1024;
constexpr auto shortest_interval = std::chrono::milliseconds(100);

struct cpu_times {
    std::uint64_t busy = 0;
    std::uint64_t total = 0;
};

cpu_times read_cpu_times()
{
    std::ifstream in("/proc/stat");
    std::string name;
    in >> name;
    cpu_times times;
    // user nice system idle iowait irq softirq steal; guest time is in user already
    for (int column = 0; column < 8; ++column) {
        std::uint64_t value = 0;
        if (!(in >> value)) break;
        times.total += value;
        if (column != 3 && column != 4) times.busy += value;
    }
    return times;
}

std::optional<double> number_in(const fs::path& file)
{
    std::ifstream in(file);
    double value = 0;
    if (in >> value) return value; // "max" is no number: no limit
    return std::nullopt;
}

struct memory_use {
    double total = 0;
    double available = 0;
};

memory_use machine_memory()
{
    memory_use memory;
    std::ifstream in("/proc/meminfo");
    for (std::string line, name; std::getline(in, line);) {
        double kib = 0;
        std::istringstream(line) >> name >> kib;
        if (name == "MemTotal:") memory.total = kib * 1024;
        if (name == "MemAvailable:") memory.available = kib * 1024;
    }
    return memory;
}

// A group that is limited below the machine ends us long before the machine is full. Page cache that can be
// dropped counts as available, as it does for the machine.
void apply_group(memory_use& memory, const fs::path& limit_file, const fs::path& used_file, double droppable)
{
    const auto limit = number_in(limit_file), used = number_in(used_file);
    if (!limit || !used || *limit >= memory.total) return;
    const double free = std::max(0.0, *limit - *used + droppable);
    if (free >= memory.available) return;
    memory.total = *limit;
    memory.available = free;
}

double stat_value(const fs::path& file, std::string_view key)
{
    std::ifstream in(file);
    std::string name;
    for (double value = 0; in >> name >> value;) {
        if (name == key) return value;
    }
    return 0;
}

// All groups from ours up to the root, of both versions: any of them may be limited.
void apply_groups(memory_use& memory)
{
    std::ifstream groups("/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        const auto second = line.find(':', line.find(':') + 1);
        if (second == std::string::npos) continue;
        const bool second_version = line.starts_with("0::");
        if (!second_version && line.find(":memory:") == std::string::npos) continue;
        const fs::path root = second_version ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
        auto below = fs::path(line.substr(second + 1)).relative_path();
        for (;;) {
            const auto folder = root / below;
            if (second_version) {
                apply_group(memory, folder / "memory.max", folder / "memory.current",
                            stat_value(folder / "memory.stat", "inactive_file"));
            } else {
                apply_group(memory, folder / "memory.limit_in_bytes", folder / "memory.usage_in_bytes",
                            stat_value(folder / "memory.stat", "total_inactive_file"));
            }
            if (below.empty()) break;
            below = below.parent_path();
        }
    }
}

// The nearest folder above that exists: what is asked about may yet have to be made.
void read_disk(fs::path path, resource_reading& into)
{
    struct statvfs disk{};
    while (::statvfs(path.c_str(), &disk) != 0) {
        if (!path.has_relative_path()) return;
        path = path.parent_path();
    }
    const double unit = static_cast<double>(disk.f_frsize);
    const double used = static_cast<double>(disk.f_blocks - disk.f_bfree) * unit;
    const double free = static_cast<double>(disk.f_bavail) * unit; // without what root keeps for itself
    into.disk_free_gb = free / gb;
    if (used + free > 0) into.disk_percent = 100 * used / (used + free);
}

std::string too_high(const char* what, double value, double limit)
{
    char text[128];
    std::snprintf(text, sizeof text, "%s usage too high: %.1f%% > %g%%", what, value, limit);
    return text;
}

} // namespace

cpu_meter::cpu_meter()
{
    const auto now = read_cpu_times();
    busy_ = now.busy;
    total_ = now.total;
    read_at_ = std::chrono::steady_clock::now();
}

double cpu_meter::percent()
{
    const auto at = std::chrono::steady_clock::now();
    if (at - read_at_ < shortest_interval) return last_;
    const auto now = read_cpu_times();
    if (now.total <= total_) return last_;
    const auto busy = now.busy > busy_ ? now.busy - busy_ : 0; // iowait may run backwards, and idle with it
    last_ = std::min(100.0, 100.0 * static_cast<double>(busy) / static_cast<double>(now.total - total_));
    busy_ = now.busy;
    total_ = now.total;
    read_at_ = at;
    return last_;
}

awaitable<resource_reading> read_resources(fs::path on_disk, cpu_meter& cpu)
{
    // Many small files, and a network file system may take its time.
    auto read = [&cpu, disk = fs::absolute(on_disk)] {
        resource_reading reading;
        reading.cpu_percent = cpu.percent();
        auto memory = machine_memory();
        apply_groups(memory);
        if (memory.total > 0) reading.memory_percent = 100 * (memory.total - memory.available) / memory.total;
        reading.memory_available_gb = memory.available / gb;
        read_disk(disk, reading);
        return reading;
    };
    co_return co_await offload(std::move(read));
}

std::optional<std::string> why_not(const resource_reading& reading, const resource_limits& limits)
{
    if (reading.cpu_percent > limits.cpu_percent)
        return too_high("CPU", reading.cpu_percent, limits.cpu_percent);
    if (reading.memory_percent > limits.memory_percent) {
        return too_high("Memory", reading.memory_percent, limits.memory_percent);
    }
    if (reading.disk_free_gb < limits.disk_free_gb) {
        char text[128];
        std::snprintf(text, sizeof text, "Disk space too low: %.2f GB free < %g GB", reading.disk_free_gb,
                      limits.disk_free_gb);
        return text;
    }
    return std::nullopt;
}

} // namespace graftline
