/// What the journal is made of: records in one total order, each with a checksum.
#pragma once

#include "graftline/effects/db/sqlite.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace graftline::effects {

/// What a record tells. The numbers stand in the database.
enum class journal_event {
    requested = 1, ///< the program asks for an effect; recorded before it begins
    started = 2,   ///< an attempt at it begins
    resolved = 3,  ///< it has an outcome
    delivered = 4, ///< the program has been given the outcome: the order of these is what a replay repeats
    task = 5,      ///< a task is in another state
    run = 6,       ///< a run begins, is gone on with, or ends
    put_off = 7    ///< an attempt failed of something that may pass: the next comes later
};
std::string_view to_string(journal_event event) noexcept;

struct journal_record {
    std::int64_t number = 0;  ///< its place in the order; given by the database
    std::int64_t time_ms = 0; ///< since the epoch, UTC
    std::int64_t run = 0;     ///< the run's number in the table of runs; 0: none
    journal_event event = journal_event::requested;
    std::string path;        ///< of the effect; the id of a task
    std::string kind;        ///< of the effect, with its request; the state of a task or a run
    std::int64_t detail = 0; ///< requested: hash of the arguments; started: attempt; resolved: 1 done, 0
                             ///< failed; put_off: milliseconds since the epoch, UTC, of the next attempt
    std::string body;        ///< JSON: arguments, identity of a process, result or fault; may be empty
    lasting when = lasting::at_once; ///< how it is written; not kept
};

/// Writes records; for one transaction or many. Bodies over the limit go to files beside the database, which
/// are there before their record is.
class journal_inserter {
public:
    /// `folder`: the one that the database is in. Lives no longer than `db`.
    journal_inserter(database& db, std::filesystem::path folder);
    void insert(const journal_record& record);

    static constexpr std::size_t largest_body = 64 * 1024;
    /// Where a run's are, by its number; relative to the database's folder.
    static std::filesystem::path files_of(std::int64_t run);

private:
    std::filesystem::path folder_;
    statement insert_;
};

/// Reads records, in order.
class journal_reader {
public:
    /// Those after the record `after`, of one run or of all.
    journal_reader(database& db, std::filesystem::path folder, std::int64_t after,
                   std::optional<std::int64_t> run);
    /// Told the number of a record whose checksum does not fit what was read, and the fault: corrupt, with
    /// run, path and what is left to do.
    using if_bad = std::function<void(std::int64_t, fault)>;
    /// The next; none at the end. Bad ones are told to `bad` and passed over; without it their fault is
    /// thrown.
    std::optional<journal_record> next(const if_bad& bad = {});

private:
    database& db_;
    std::filesystem::path folder_;
    statement rows_;
};

} // namespace graftline::effects
