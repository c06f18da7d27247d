/// SQLite with owners: a database, its statements and transactions. Failures are thrown as fault_error.
#pragma once

#include "graftline/effects/db/change_mark.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace graftline::effects {

/// What to do about a database, or a row in it, that is corrupt.
inline constexpr const char* how_to_rebuild =
    "A command that changes something sets it aside and finds again what the repository tells of: "
    "graftline clean";

/// A prepared statement with its values bound. Lives no longer than its database; one thread at a time.
class statement {
public:
    /// Steps to the next row; false when there is none.
    bool next();
    /// Runs it to its end, for statements that give no rows; returns the number of rows changed.
    int run();

    std::string text(int column) const;
    std::int64_t integer(int column) const;
    bool is_null(int column) const;

    void bind(int index, std::string_view value);
    void bind(int index, std::int64_t value);
    void bind(int index, std::nullptr_t);
    /// What the present row of `from` has in `column`, of whatever type.
    void bind(int index, const statement& from, int column);
    /// Makes it ready to be stepped through again; what was bound stays.
    void reset();

private:
    friend class database;
    struct finalizer {
        void operator()(sqlite3_stmt* s) const noexcept;
    };
    statement(sqlite3* db, std::string_view sql);
    sqlite3* db_;
    std::unique_ptr<sqlite3_stmt, finalizer> handle_;
};

/// When what is committed to a database that survives power cuts is on the disk. What is committed later is
/// never there without what was committed before.
enum class lasting {
    at_once,      ///< when the commit returns
    with_the_next ///< with the next commit that is on the disk at once
};

/// A connection. One thread at a time; other processes may have their own.
class database {
public:
    /// What a commit survives: the death of any process, or a power cut too.
    enum class commits { survive_processes, survive_power };

    /// Opens or creates `file` with write-ahead logging; waits up to 15 s for other processes' writes.
    explicit database(const std::filesystem::path& file, commits how = commits::survive_processes);

    /// Runs statements that bind nothing.
    void execute(const char* sql);
    /// `query("SELECT … WHERE id = ?", id)`: prepared, with the values bound in order.
    template <class... Values> statement query(std::string_view sql, const Values&... values)
    {
        statement prepared(handle_.get(), sql);
        int index = 0;
        (prepared.bind(++index, values), ...);
        return prepared;
    }

    /// Its count of transactions; none before it has one (schema 5).
    std::optional<change_count> changes();
    /// From now on each transaction is counted, and the mark beside the file is brought up to it.
    void count_changes();

private:
    friend class transaction;
    change_count count_one_more();
    struct closer {
        void operator()(sqlite3* db) const noexcept;
    };
    void flush_commits(lasting when);

    std::unique_ptr<sqlite3, closer> handle_;
    commits how_;
    lasting now_ = lasting::with_the_next;
    std::shared_ptr<std::mutex> write_turn_; // of all connections of this process to this file
    std::filesystem::path file_;
    std::optional<change_mark> mark_; // none: nothing is counted
    std::optional<statement> counting_;
};

/// A write transaction; rolled back unless committed. Those of one process wait for each other in line, which
/// SQLite's own waiting, by sleeps that grow, does not do. Not to be nested.
class transaction {
public:
    explicit transaction(database& db, lasting when = lasting::at_once);
    ~transaction();
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;
    void commit();

private:
    database& db_;
    std::unique_lock<std::mutex> turn_;
    bool open_ = true;
};

} // namespace graftline::effects
