/// When the logs' sizes are worth a look.
#pragma once

#include "graftline/runtime/base/descriptor.hpp"

#include <chrono>
#include <filesystem>
#include <vector>

namespace graftline {

/// Tells that files have grown, at most ten times a second however fast they grow, and never while they do
/// not. Where inotify is not to be had (its instances are few) it says so twice a second.
class log_watch {
public:
    using moment = std::chrono::steady_clock::time_point;

    explicit log_watch(std::vector<std::filesystem::path> files);

    /// To be polled for reading; -1 where there is none.
    int fd() const noexcept { return armed_ ? events_.get() : -1; }
    /// When `due` will be true without an event.
    moment next() const noexcept;
    /// Call when `fd` is readable.
    void take_event();
    /// A look is due now; it counts as taken.
    bool due();

private:
    void arm();

    std::vector<std::filesystem::path> files_;
    descriptor events_;
    bool armed_ = false;
    moment next_;
};

} // namespace graftline
