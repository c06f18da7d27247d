/// The lock under which a repository's refs and worktree metadata change.
#pragma once

#include "graftline/runtime/async/semaphore.hpp"
#include "graftline/runtime/base/awaitable.hpp"
#include "graftline/runtime/base/fault.hpp"
#include "graftline/runtime/files/file_lock.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <filesystem>
#include <memory>
#include <utility>

namespace graftline {

/// In order of arrival within a context, whichever object is asked: all with the same path share one queue.
/// Between processes, and contexts, by a file_lock. Threads: one strand, that of `executor`.
class repository_lock {
public:
    /// The lock, held until this goes.
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
        friend class repository_lock;
        lease(semaphore::lease turn, file_lock::lease file) : turn_(std::move(turn)), file_(std::move(file))
        {
        }
        semaphore::lease turn_;
        file_lock::lease file_;
    };

    repository_lock(const asio::any_io_executor& executor, std::filesystem::path lock_file);

    /// Waits for the lock. Errors: the lock file cannot be opened or locked. Cancellation: terminal;
    /// operation_aborted, nothing is held. Lifetime: the repository_lock outlives the call, not the lease.
    awaitable<result<lease>> acquire();

private:
    std::shared_ptr<semaphore> queue_;
    file_lock file_;
};

} // namespace graftline
