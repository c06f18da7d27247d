/// A bounded number of places, waited for in order.
#pragma once

#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <cstddef>
#include <memory>

namespace graftline {

/// Gives out places: higher priority first, in order of arrival among equals. Threads: one strand, that of
/// `executor`. Leases may outlive it, and coroutines may wait in it when it goes.
class semaphore {
    class state;

public:
    /// One place, given back when this goes: synchronously, which wakes the next.
    class lease {
    public:
        lease() noexcept;
        lease(lease&& other) noexcept;
        lease& operator=(lease&& other) noexcept;
        ~lease();

        /// Gives the place back early; nothing happens the second time.
        void release() noexcept;
        explicit operator bool() const noexcept { return from_ != nullptr; }

    private:
        friend class semaphore;
        explicit lease(std::shared_ptr<state> from) noexcept;
        std::shared_ptr<state> from_;
    };

    semaphore(asio::any_io_executor executor, std::size_t count);
    semaphore(semaphore&&) noexcept;
    semaphore& operator=(semaphore&&) noexcept;
    ~semaphore();

    /// Waits for a place. Nobody overtakes those of the same priority who wait already.
    /// Cancellation: terminal; operation_aborted, and the place in the queue is given up.
    awaitable<lease> acquire(int priority = 0);

    /// Changes how many places there are. Leases in use are never taken away: the number falls as they come
    /// back.
    void resize(std::size_t count);

    /// How many wait, and how many places are in use.
    std::size_t waiting() const noexcept;
    std::size_t in_use() const noexcept;

private:
    // Static, so that its frame refers to the state alone: the semaphore may go meanwhile.
    static awaitable<lease> acquire_from(std::shared_ptr<state> inside, int priority);

    std::shared_ptr<state> inside_;
};

} // namespace graftline
