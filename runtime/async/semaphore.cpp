#include "graftline/runtime/async/semaphore.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>

#include <functional>
#include <map>
#include <utility>

namespace graftline {

class semaphore::state {
public:
    state(asio::any_io_executor executor, std::size_t count) : executor_(std::move(executor)), count_(count)
    {
    }

    /// A place in the queue. Gives back what it was granted, unless that is taken, so that a coroutine that
    /// is cancelled or destroyed at any moment loses no place.
    class waiter {
    public:
        waiter(state& queue, int priority)
            : queue_(queue), bell_(queue.executor_, asio::steady_timer::time_point::max()),
              place_(queue.waiting_.emplace(priority, this))
        {
        }
        waiter(const waiter&) = delete;
        waiter& operator=(const waiter&) = delete;
        ~waiter()
        {
            if (where_ == at::granted)
                queue_.give_back();
            else if (where_ == at::queue)
                queue_.waiting_.erase(place_);
        }

        auto ring() { return bell_.async_wait(asio::as_tuple(use_awaitable)); }
        /// What was granted is the caller's from now on. False when nothing was.
        bool take() noexcept
        {
            if (where_ != at::granted) return false;
            where_ = at::taken;
            return true;
        }

    private:
        friend class state;
        enum class at { queue, granted, taken };

        state& queue_;
        asio::steady_timer bell_; // never expires: it rings by being cancelled
        std::multimap<int, waiter*, std::greater<>>::iterator place_;
        at where_ = at::queue;
    };

    bool try_take() noexcept
    {
        if (in_use_ >= count_ || !waiting_.empty()) return false;
        ++in_use_;
        return true;
    }

    void give_back() noexcept
    {
        --in_use_;
        grant();
    }

    void resize(std::size_t count) noexcept
    {
        count_ = count;
        grant();
    }

    std::size_t waiting() const noexcept { return waiting_.size(); }
    std::size_t in_use() const noexcept { return in_use_; }

private:
    void grant() noexcept
    {
        while (in_use_ < count_ && !waiting_.empty()) {
            waiter& next = *waiting_.begin()->second;
            waiting_.erase(waiting_.begin());
            ++in_use_;
            next.where_ = waiter::at::granted;
            next.bell_.cancel();
        }
    }

    asio::any_io_executor executor_;
    std::size_t count_;
    std::size_t in_use_ = 0;
    std::multimap<int, waiter*, std::greater<>> waiting_; // equal keys stay in the order of their arrival
};

semaphore::lease::lease() noexcept = default;
semaphore::lease::lease(std::shared_ptr<state> from) noexcept : from_(std::move(from)) {}
semaphore::lease::lease(lease&& other) noexcept = default;

semaphore::lease& semaphore::lease::operator=(lease&& other) noexcept
{
    if (this != &other) {
        release();
        from_ = std::move(other.from_);
    }
    return *this;
}

semaphore::lease::~lease()
{
    release();
}

void semaphore::lease::release() noexcept
{
    if (const auto from = std::exchange(from_, nullptr)) from->give_back();
}

semaphore::semaphore(asio::any_io_executor executor, std::size_t count)
    : inside_(std::make_shared<state>(std::move(executor), count))
{
}
semaphore::semaphore(semaphore&&) noexcept = default;
semaphore& semaphore::operator=(semaphore&&) noexcept = default;
semaphore::~semaphore() = default;

awaitable<semaphore::lease> semaphore::acquire(int priority)
{
    return acquire_from(inside_, priority);
}

awaitable<semaphore::lease> semaphore::acquire_from(std::shared_ptr<state> inside, int priority)
{
    if (!inside->try_take()) {
        state::waiter queued(*inside, priority);
        co_await queued.ring();
        if (!queued.take()) throw boost::system::system_error(asio::error::operation_aborted);
    }
    co_return lease(std::move(inside));
}

void semaphore::resize(std::size_t count)
{
    inside_->resize(count);
}

std::size_t semaphore::waiting() const noexcept
{
    return inside_->waiting();
}

std::size_t semaphore::in_use() const noexcept
{
    return inside_->in_use();
}

} // namespace graftline
