#include "graftline/runtime/process/dropped_children.hpp"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <sys/wait.h>

namespace graftline {
namespace {

// A handle may outlive the services of its context: it shares the list.
class dropped_children_service : public asio::execution_context::service {
public:
    using key_type = dropped_children_service;
    static asio::execution_context::id id;

    explicit dropped_children_service(asio::execution_context& context) : service(context) {}
    const std::shared_ptr<dropped_children>& list() const noexcept { return list_; }

private:
    void shutdown() override {}
    std::shared_ptr<dropped_children> list_ = std::make_shared<dropped_children>();
};

asio::execution_context::id dropped_children_service::id;

} // namespace

bool reap(int pidfd) noexcept
{
    siginfo_t info{};
    const int rc =
        ::waitid(static_cast<idtype_t>(3) /* P_PIDFD */, static_cast<id_t>(pidfd), &info, WEXITED | WNOHANG);
    return rc != 0 || info.si_pid != 0; // failed: the host program reaped it
}

std::shared_ptr<dropped_children> dropped_children::of(const asio::any_io_executor& executor)
{
    auto& context = asio::query(executor, asio::execution::context);
    auto list = asio::use_service<dropped_children_service>(context).list();
    list->collect();
    return list;
}

void dropped_children::keep(descriptor pidfd)
{
    collect();
    const std::lock_guard lock(guard_);
    children_.push_back(std::move(pidfd));
}

void dropped_children::collect()
{
    const std::lock_guard lock(guard_);
    std::erase_if(children_, [](const descriptor& child) { return reap(child.get()); });
}

} // namespace graftline
