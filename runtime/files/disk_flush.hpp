/// Getting what was written onto the disk.
#pragma once

#include "graftline/runtime/async/semaphore.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <vector>

namespace graftline {

/// What one file holds, or which names one folder holds, is on the disk. A link is not followed: its folder
/// is what holds it. Nothing there is success. Blocks. Errors: the system's.
result<void> flush_file(const std::filesystem::path& file);

/// The same of several at once, which the disk answers together: never one after the other in a loop.
/// Cancellation: terminal, noticed when those that began are done.
awaitable<result<void>> flush_files(std::vector<std::filesystem::path> files);

/// Flushes whole file systems. Those who ask while one flush runs share the next: all that is ready at the
/// same time waits for the disk once. Threads: one strand, that of `executor`.
class file_system_flush {
public:
    explicit file_system_flush(asio::any_io_executor executor) : executor_(std::move(executor)) {}

    /// Result: all that was written before the call to the file systems that `paths` lie on is on the disk.
    /// Paths that are not there are left out. Errors: the system's, when a disk failed, for all that the
    /// failed flush was to cover. Cancellation: terminal, between flushes. Lifetime: this outlives the call.
    awaitable<result<void>> wait(std::vector<std::filesystem::path> paths);

private:
    struct file_system {
        file_system(const asio::any_io_executor& executor, std::filesystem::path somewhere)
            : place(std::move(somewhere)), turn(executor, 1)
        {
        }
        std::filesystem::path place; ///< on it
        semaphore turn;
        std::uint64_t asked = 0;
        std::uint64_t answered = 0; ///< all calls up to this one are
        result<void> last;          ///< what the flush said that answered them
    };
    awaitable<result<void>> wait_for(file_system& one);

    asio::any_io_executor executor_;
    std::map<std::uint64_t, std::unique_ptr<file_system>> file_systems_; ///< by device
};

} // namespace graftline
