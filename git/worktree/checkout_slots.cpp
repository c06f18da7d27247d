#include "graftline/git/worktree/checkout_slots.hpp"

#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>

#include <algorithm>
#include <thread>

namespace graftline::git {

asio::execution_context::id checkout_slots::id;

semaphore& checkout_slots::of(const asio::any_io_executor& executor)
{
    auto& service = asio::use_service<checkout_slots>(asio::query(executor, asio::execution::context));
    if (!service.slots_)
        service.slots_.emplace(executor, std::max<std::size_t>(2, std::thread::hardware_concurrency()));
    return *service.slots_;
}

} // namespace graftline::git
