/// File systems on disks that log what is written and flushed, in a mount namespace of the test's own.
#pragma once

#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/process/child.hpp"

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace graftline::test {

/// Why a file system of this kind ("ext4", "xfs", "btrfs") on a logging disk cannot be had here; empty if it
/// can.
std::string why_no_disk(const std::string& kind);

/// From now on what this process mounts is seen by it and its children only, and is unmounted when the last
/// of them has ended, however they end. False where that is not allowed. Safe to call again.
bool mount_for_ourselves();

/// A file system that is mounted from an image or a logging disk as long as this lives.
class mounted {
public:
    /// Throws when it cannot be mounted. Journals are replayed, as after a power cut.
    mounted(const std::filesystem::path& disk, std::filesystem::path at, const std::string& kind);
    mounted(const mounted&) = delete;
    mounted& operator=(const mounted&) = delete;
    ~mounted();

private:
    std::filesystem::path at_;
};

/// A new and empty file system in a sparse file.
void make_image(const std::filesystem::path& image, const std::string& kind, std::uintmax_t size);

/// The process that serves the disk, from its start to its end. What is mounted on it is unmounted before.
class logged_disk {
public:
    /// Holds at first what `image` holds, which stays as it is. `flush_takes`: how long a flush lasts.
    logged_disk(const std::filesystem::path& image, std::filesystem::path at,
                const std::filesystem::path& log, std::chrono::microseconds flush_takes = {});
    logged_disk(const logged_disk&) = delete;
    logged_disk& operator=(const logged_disk&) = delete;
    ~logged_disk();

    std::filesystem::path file() const { return at_ / "disk"; }
    /// Each line that is written to it becomes a mark in the log.
    int marks() const { return marks_.get(); }
    void mark(const std::string& line) const;

private:
    std::filesystem::path at_;
    asio::io_context io_{1};
    descriptor marks_;
    std::unique_ptr<child> server_;
};

} // namespace graftline::test
