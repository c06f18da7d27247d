/// Children whose handles went before they ended.
#pragma once

#include "graftline/runtime/base/descriptor.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace graftline {

namespace asio = boost::asio;

/// Reaps the child that a pidfd means, if it has ended. True when it needs no reaping any more.
bool reap(int pidfd) noexcept;

/// Supervisors outlive the handles to them; in a host that lives long their zombies are collected here,
/// whenever another one is added or started. One for each execution context; safe between its threads.
class dropped_children {
public:
    /// That of the context that `executor` runs on, after collecting what has ended.
    static std::shared_ptr<dropped_children> of(const asio::any_io_executor& executor);

    /// Takes a child that still runs.
    void keep(descriptor pidfd);

private:
    void collect();

    std::mutex guard_;
    std::vector<descriptor> children_;
};

} // namespace graftline
