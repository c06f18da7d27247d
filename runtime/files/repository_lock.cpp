#include "graftline/runtime/files/repository_lock.hpp"

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <map>
#include <utility>

namespace graftline {
namespace {

/// The queues of one context, by lock file.
class lock_queues : public asio::execution_context::service {
public:
    using key_type = lock_queues;
    static asio::execution_context::id id;

    explicit lock_queues(asio::execution_context& context) : service(context) {}

    static std::shared_ptr<semaphore> of(const asio::any_io_executor& executor,
                                         const std::filesystem::path& file)
    {
        auto& queues =
            asio::use_service<lock_queues>(asio::query(executor, asio::execution::context)).queues_;
        std::erase_if(queues, [](const auto& entry) { return entry.second.expired(); });
        auto& known = queues[file];
        auto queue = known.lock();
        if (!queue) known = queue = std::make_shared<semaphore>(executor, 1);
        return queue;
    }

private:
    void shutdown() override {}

    std::map<std::filesystem::path, std::weak_ptr<semaphore>> queues_;
};

asio::execution_context::id lock_queues::id;

/// One name for one file, however its folder is written.
std::filesystem::path one_name(const std::filesystem::path& file)
{
    std::error_code failed;
    auto path = std::filesystem::weakly_canonical(file, failed);
    return failed ? file : path;
}

} // namespace

repository_lock::lease& repository_lock::lease::operator=(lease&& other) noexcept
{
    if (this != &other) {
        release();
        turn_ = std::move(other.turn_);
        file_ = std::move(other.file_);
    }
    return *this;
}

void repository_lock::lease::release() noexcept
{
    file_.release(); // first, so that the next in the queue finds it free
    turn_.release();
}

repository_lock::repository_lock(const asio::any_io_executor& executor, std::filesystem::path lock_file)
    : queue_(lock_queues::of(executor, one_name(lock_file))), file_(executor, std::move(lock_file))
{
}

awaitable<result<repository_lock::lease>> repository_lock::acquire()
{
    auto turn = co_await queue_->acquire();
    auto file = co_await file_.acquire();
    if (!file) co_return file.error();
    co_return lease(std::move(turn), std::move(*file));
}

} // namespace graftline
