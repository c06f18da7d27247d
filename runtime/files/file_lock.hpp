/// A lock between processes, by a file.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <filesystem>
#include <optional>
#include <utility>

namespace graftline {

/// An exclusive OFD lock on a file, which is made if it is missing (its folder is not). The kernel releases
/// it when its holder dies. Two file_locks on one path exclude each other in one process too. Threads: one
/// strand, that of `executor`.
class file_lock {
public:
    /// The lock, held until this goes: synchronously, which wakes those who wait in any process.
    class lease {
    public:
        lease() = default;
        lease(lease&&) noexcept = default;
        lease& operator=(lease&& other) noexcept;
        ~lease() { release(); }

        /// Gives the lock back early; nothing happens the second time.
        void release() noexcept;
        explicit operator bool() const noexcept { return static_cast<bool>(file_); }

    private:
        friend class file_lock;
        explicit lease(descriptor file) noexcept : file_(std::move(file)) {}
        descriptor file_;
    };

    file_lock(asio::any_io_executor executor, std::filesystem::path path,
              std::chrono::milliseconds look_after = std::chrono::milliseconds(250));

    /// Waits for the lock, in no particular order among those who wait: woken by its holder, and by a look
    /// after `look_after` each, since a killed holder wakes nobody. Errors: the file cannot be opened or
    /// locked; the fault names it. Cancellation: terminal; operation_aborted, nothing is held. Lifetime: the
    /// file_lock outlives the call, not the lease.
    awaitable<result<lease>> acquire();

    /// The lock if it is free now; none is a value.
    result<std::optional<lease>> try_acquire();

    /// Whether anybody holds the lock on `path`, asked without taking it. A missing file is not held.
    static result<bool> is_held(const std::filesystem::path& path);

private:
    asio::any_io_executor executor_;
    std::filesystem::path path_;
    std::chrono::milliseconds look_after_;
};

} // namespace graftline
