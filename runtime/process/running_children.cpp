#include "graftline/runtime/process/running_children.hpp"

#include "graftline/runtime/process/child.hpp"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>

#include <algorithm>
#include <csignal>

namespace graftline {

// A child may outlive the services of its context: it shares the list.
class running_children_service : public asio::execution_context::service {
public:
    using key_type = running_children_service;
    static asio::execution_context::id id;

    explicit running_children_service(asio::execution_context& context) : service(context) {}
    const std::shared_ptr<running_children>& list() const noexcept { return list_; }

private:
    void shutdown() override { list_->forget_timer(); }
    std::shared_ptr<running_children> list_ = std::make_shared<running_children>();
};

asio::execution_context::id running_children_service::id;

std::shared_ptr<running_children> running_children::of(const asio::any_io_executor& executor)
{
    auto& context = asio::query(executor, asio::execution::context);
    return asio::use_service<running_children_service>(context).list();
}

void running_children::hurry(const asio::any_io_executor& executor, clock::duration patience,
                             clock::duration grace)
{
    const std::lock_guard lock(guard_);
    if (due_) return;
    patience_ = patience;
    grace_ = grace;
    due_.emplace(executor);
    for (auto& one : children_)
        one.asked_at = clock::now() + patience_;
    wait_for_next();
}

void running_children::kill_all() noexcept
{
    const std::lock_guard lock(guard_);
    may_start_ = false;
    for (const auto& one : children_)
        one.who->signal_tree(SIGKILL);
}

bool running_children::may_start() const
{
    const std::lock_guard lock(guard_);
    return may_start_;
}

void running_children::add(child& started)
{
    const std::lock_guard lock(guard_);
    children_.push_back({&started, clock::now() + patience_});
    if (due_) wait_for_next();
}

void running_children::remove(child& gone) noexcept
{
    const std::lock_guard lock(guard_);
    std::erase_if(children_, [&](const entry& one) { return one.who == &gone; });
    if (due_ && children_.empty()) due_->cancel(); // a loop must not be kept from running out of work
}

void running_children::look()
{
    const std::lock_guard lock(guard_);
    if (!due_) return;
    for (auto& one : children_) {
        if (clock::now() < one.asked_at + (one.asked ? grace_ : clock::duration())) continue;
        one.who->signal_tree(one.asked ? SIGKILL : SIGTERM);
        // Once killed there is nothing more to do: it is reaped by whoever waits for it.
        one.asked_at = one.asked ? clock::time_point::max() - grace_ : clock::now();
        one.asked = true;
    }
    wait_for_next();
}

void running_children::wait_for_next()
{
    auto next = clock::time_point::max();
    for (const auto& one : children_)
        next = std::min(next, one.asked_at + (one.asked ? grace_ : clock::duration()));
    due_->cancel();
    if (next == clock::time_point::max()) return;
    due_->expires_at(next);
    due_->async_wait([all = weak_from_this()](error_code stopped) {
        if (const auto alive = all.lock(); alive && !stopped) alive->look();
    });
}

void running_children::forget_timer() noexcept
{
    const std::lock_guard lock(guard_);
    due_.reset();
}

} // namespace graftline
