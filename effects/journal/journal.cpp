#include "graftline/effects/journal/journal.hpp"

#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/base/clock.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <vector>

namespace graftline::effects {

namespace {

/// In the database of a state folder.
class database_storage : public journal_storage, public std::enable_shared_from_this<database_storage> {
public:
    database_storage(asio::any_io_executor loop, std::filesystem::path folder, database::commits how)
        : loop_(std::move(loop)), folder_(std::move(folder)), how_(how)
    {
    }

    void write(const std::vector<journal_record>& records,
               std::function<void(std::optional<fault>)> written) override
    {
        auto busy = asio::prefer(loop_, asio::execution::outstanding_work.tracked);
        asio::post(blocking_pool::of(loop_),
                   [self = shared_from_this(), &records, busy, written = std::move(written)]() mutable {
                       auto failed = self->commit(records);
                       asio::post(busy, [failed = std::move(failed), written = std::move(written)]() mutable {
                           written(std::move(failed));
                       });
                   });
    }

private:
    /// On a thread that may block, one at a time.
    std::optional<fault> commit(const std::vector<journal_record>& records)
    {
        try {
            if (!db_) {
                db_ = std::make_unique<database>(folder_ / "state.db", how_);
                if (db_->changes()) db_->count_changes();
                insert_.emplace(*db_, folder_);
            }
            const bool waits = std::ranges::any_of(
                records, [](const journal_record& r) { return r.when == lasting::at_once; });
            transaction whole(*db_, waits ? lasting::at_once : lasting::with_the_next);
            for (const auto& r : records)
                insert_->insert(r);
            whole.commit();
            return std::nullopt;
        } catch (const fault_error& e) {
            return e.why();
        } catch (const std::exception& e) {
            return fault(errc::internal, "the journal could not be written").with("cause", e.what());
        }
    }

    asio::any_io_executor loop_;
    std::filesystem::path folder_;
    database::commits how_;
    std::unique_ptr<database> db_; // these two are touched by the job that writes only
    std::optional<journal_inserter> insert_;
};

} // namespace

/// Records that are committed together.
struct journal::batch {
    explicit batch(const asio::any_io_executor& loop) : bell(loop, asio::steady_timer::time_point::max()) {}
    std::vector<journal_record> records;
    asio::steady_timer bell; // never expires: it rings by being cancelled
    bool done = false;
    std::optional<fault> failed;
};

/// Shared with the job that writes, which may outlive the journal, never its context.
class journal::writer : public std::enable_shared_from_this<writer> {
public:
    writer(asio::any_io_executor loop, std::shared_ptr<journal_storage> storage)
        : loop_(std::move(loop)), storage_(std::move(storage)), gathering_(std::make_shared<batch>(loop_))
    {
    }

    ticket append(journal_record record)
    {
        if (broken_) throw fault_error(*broken_);
        record.time_ms = real_clock().now().time_since_epoch().count();
        gathering_->records.push_back(std::move(record));
        auto mine = gathering_;
        write_next();
        return mine;
    }

    /// What the next record will be committed with; its end is the end of all before.
    ticket last() const { return gathering_->records.empty() ? writing_ : gathering_; }
    bool is_full() const { return gathering_->records.size() >= most_gathered; }
    const std::optional<fault>& broken() const { return broken_; }

private:
    // A program that does not wait must not fill the memory with what is not written yet.
    static constexpr std::size_t most_gathered = 20'000;

    void write_next()
    {
        if (writing_ || gathering_->records.empty()) return;
        writing_ = std::exchange(gathering_, std::make_shared<batch>(loop_));
        storage_->write(writing_->records,
                        [self = shared_from_this(), now = writing_](std::optional<fault> failed) {
                            self->written(std::move(failed));
                        });
    }

    void written(std::optional<fault> failed)
    {
        const auto now = std::exchange(writing_, nullptr);
        if (failed) broken_ = failed;
        now->failed = broken_;
        now->done = true;
        now->bell.cancel();
        if (broken_ && !gathering_->records.empty()) {
            writing_ = std::exchange(gathering_, std::make_shared<batch>(loop_));
            written(broken_);
        }
        write_next();
    }

    asio::any_io_executor loop_;
    std::shared_ptr<journal_storage> storage_;
    ticket gathering_;
    ticket writing_; // none while nothing is written
    std::optional<fault> broken_;
};

journal::journal(asio::any_io_executor loop, std::filesystem::path folder, database::commits how)
    : journal(loop, std::make_shared<database_storage>(loop, std::move(folder), how))
{
}

journal::journal(asio::any_io_executor loop, std::shared_ptr<journal_storage> storage)
    : writer_(std::make_shared<writer>(std::move(loop), std::move(storage)))
{
}

journal::ticket journal::append(journal_record record)
{
    return writer_->append(std::move(record));
}

bool journal::is_full() const noexcept
{
    return writer_->is_full();
}

awaitable<void> journal::committed(ticket of)
{
    // The bell rings by cancelling the timer; a cancelled caller throws at its next turn of this loop.
    while (!of->done)
        co_await of->bell.async_wait(asio::as_tuple(use_awaitable));
    if (of->failed) throw fault_error(*of->failed);
}

awaitable<result<void>> journal::flush()
{
    const bool heeds = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    const auto last = writer_->last();
    while (last && !last->done)
        co_await last->bell.async_wait(asio::as_tuple(use_awaitable));
    co_await asio::this_coro::throw_if_cancelled(heeds);
    if (writer_->broken()) co_return *writer_->broken();
    co_return result<void>();
}

} // namespace graftline::effects
