/// How many checkouts may write files at the same time.
#pragma once

#include "graftline/runtime/async/semaphore.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution_context.hpp>

#include <optional>

namespace graftline::git {

/// One semaphore a context, with as many slots as there are cores: more checkouts at once only wait for the
/// disk.
class checkout_slots : public asio::execution_context::service {
public:
    using key_type = checkout_slots;
    static asio::execution_context::id id;

    explicit checkout_slots(asio::execution_context& context) : service(context) {}

    /// The slots of the context that `executor` runs on. Used from one strand. Lifetime: the context's.
    static semaphore& of(const asio::any_io_executor& executor);

private:
    void shutdown() override { slots_.reset(); }

    std::optional<semaphore> slots_;
};

} // namespace graftline::git
