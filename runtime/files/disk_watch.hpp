/// Whether a disk fills up while somebody writes who may not notice.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace graftline {

/// Is less than a mebibyte left for us on the file system of `folder`, or no file more? Asks the file system,
/// and writes nothing. False where it cannot be told.
bool is_full(const std::filesystem::path& folder);

/// Remembers whether one of some folders was seen on a full disk. No event tells of that: it is to be looked
/// once a second, which misses a disk that has room again sooner.
class disk_watch {
public:
    using moment = std::chrono::steady_clock::time_point;

    explicit disk_watch(std::vector<std::filesystem::path> folders);

    /// When to look again; never, once a disk was full.
    moment next() const noexcept { return next_; }
    void look();
    /// The folder whose disk was full; empty if none was.
    const std::string& full() const noexcept { return full_; }

private:
    std::vector<std::filesystem::path> folders_;
    moment next_;
    std::string full_;
};

} // namespace graftline
