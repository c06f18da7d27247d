/// The journal's writer: records of all effects of a process, in batches.
#pragma once

#include "graftline/effects/journal_record.hpp"
#include "graftline/runtime/awaitable.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <memory>

namespace graftline::effects {

/// Records are handed over without waiting; what gathers while a batch is written is the next batch. They are
/// committed in the order in which they were handed over. Used from one strand, that of `loop`; the writing
/// is done on a thread that may block, which keeps the loop from ending meanwhile.
class journal {
    class writer;
    struct batch;

public:
    /// Stands for a record that was handed over.
    using ticket = std::shared_ptr<batch>;

    /// Opens nothing yet. `folder`: the one that the database is in, with its tables made.
    journal(asio::any_io_executor loop, std::filesystem::path folder, database::commits how);

    /// Hands a record over; its time is now. Throws fault_error once writing has failed: nothing that comes
    /// later could be trusted to stand on what came before.
    ticket append(journal_record record);

    /// So much waits to be written that whoever hands a record over should wait for its commit.
    bool is_full() const noexcept;

    /// Waits until the record is committed, and so all before it. Throws fault_error when it could not be.
    /// Cancellation: terminal; operation_aborted, the record is written all the same.
    static awaitable<void> committed(ticket of);

    /// Waits until everything that was handed over is committed. Not cancellable.
    awaitable<result<void>> flush();

private:
    std::shared_ptr<writer> writer_;
};

} // namespace graftline::effects
