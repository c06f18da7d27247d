/// The journal's writer: records of all effects of a process, in batches.
#pragma once

#include "graftline/effects/journal/journal_record.hpp"
#include "graftline/runtime/base/awaitable.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace graftline::effects {

/// Where the journal's batches are kept.
class journal_storage {
public:
    virtual ~journal_storage() = default;
    /// Commits all of `records`, in their order, or none. Calls `written` once, on the journal's strand, and
    /// not before this returns; `records` stay until then. The next batch comes only after that.
    virtual void write(const std::vector<journal_record>& records,
                       std::function<void(std::optional<fault>)> written) = 0;
};

/// Records are handed over without waiting; what gathers while a batch is written is the next batch. They are
/// committed in the order in which they were handed over. Used from one strand, that of `loop`; the writing
/// to a database is done on a thread that may block, which keeps the loop from ending meanwhile.
class journal {
    class writer;
    struct batch;

public:
    /// Stands for a record that was handed over.
    using ticket = std::shared_ptr<batch>;

    /// Opens nothing yet. `folder`: the one that the database is in, with its tables made.
    journal(asio::any_io_executor loop, std::filesystem::path folder, database::commits how);
    /// The same with another place to keep them; may be shared.
    journal(asio::any_io_executor loop, std::shared_ptr<journal_storage> storage);

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
