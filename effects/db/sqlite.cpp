#include "graftline/effects/db/sqlite.hpp"

#include <sqlite3.h>
#include <sys/stat.h>
#include <time.h>

#include <cerrno>
#include <map>

namespace graftline::effects {
namespace {

[[noreturn]] void fail(sqlite3* db, const std::string& what)
{
    const int code = db ? sqlite3_extended_errcode(db) : SQLITE_NOMEM;
    errc kind = errc::unusable;
    switch (code & 0xFF) {
    case SQLITE_FULL: kind = errc::no_space; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: kind = errc::busy; break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: kind = errc::corrupt; break;
    case SQLITE_MISUSE:
    case SQLITE_CONSTRAINT: kind = errc::internal; break;
    default: break;
    }
    fault f(kind, what);
    f.with("cause", db ? sqlite3_errmsg(db) : "out of memory");
    if (const char* file = db ? sqlite3_db_filename(db, "main") : nullptr; file && *file)
        f.with("file", file);
    if (kind == errc::corrupt) f.advise(how_to_rebuild);
    throw fault_error(std::move(f));
}

/// Waits for another process's transaction, which takes about a millisecond: SQLite's own sleeps grow to 100,
/// and processes that write at the same time would wait many times as long as they write.
int wait_for_others(void*, int tries)
{
    constexpr int most_tries = 15'000;
    constexpr timespec at_first{0, 200'000}, then{0, 1'000'000};
    ::nanosleep(tries < 10 ? &at_first : &then, nullptr);
    return tries < most_tries ? 1 : 0;
}

/// SQLite gives the files beside a database the rights that this one has, also those that it has for a
/// moment: what is left of them then would keep out every later command.
void settle_rights(const std::filesystem::path& file)
{
    struct stat info{};
    if (::stat(file.c_str(), &info) != 0) return; // opening it says what is wrong
    if (S_ISREG(info.st_mode) && (info.st_mode & S_IWUSR) == 0)
        throw fault_error(fault(errc::unusable, "the state database may not be written to by its owner")
                              .with("file", file.string())
                              .advise("Then no command can read it either. Make it writable: chmod u+rw '" +
                                      file.string() + "'"));
    for (const char* end : {"-wal", "-shm"}) {
        struct stat beside{};
        const auto name = file.string() + end;
        const bool is_ours =
            ::lstat(name.c_str(), &beside) == 0 && S_ISREG(beside.st_mode) && beside.st_uid == info.st_uid;
        constexpr mode_t by_owner = S_IRUSR | S_IWUSR;
        if (!is_ours || (beside.st_mode & by_owner) == by_owner) continue;
        if (::chmod(name.c_str(), (beside.st_mode | info.st_mode) & 0777) != 0)
            throw fault_error(system_fault(errno, "a file of the state database may not be written to")
                                  .with("file", name)
                                  .advise("Its owner makes it writable by: chmod u+rw '" + name + "'"));
    }
}

std::shared_ptr<std::mutex> turn_of(const std::filesystem::path& file)
{
    static std::mutex guard;
    static std::map<std::filesystem::path, std::weak_ptr<std::mutex>> turns;
    std::error_code ignored; // without a folder, opening it says what is wrong
    const auto name = std::filesystem::weakly_canonical(file, ignored);
    const std::lock_guard lock(guard);
    auto& known = turns[name];
    auto turn = known.lock();
    if (!turn) known = turn = std::make_shared<std::mutex>();
    return turn;
}

} // namespace

void statement::finalizer::operator()(sqlite3_stmt* s) const noexcept
{
    sqlite3_finalize(s);
}

statement::statement(sqlite3* db, std::string_view sql) : db_(db)
{
    sqlite3_stmt* prepared = nullptr;
    const int rc = sqlite3_prepare_v2(db, sql.data(), static_cast<int>(sql.size()), &prepared, nullptr);
    handle_.reset(prepared);
    if (rc != SQLITE_OK) fail(db, "the state database did not take a statement");
}

bool statement::next()
{
    const int rc = sqlite3_step(handle_.get());
    if (rc == SQLITE_ROW) return true;
    if (rc != SQLITE_DONE) fail(db_, "the state database could not be read or written");
    return false;
}

int statement::run()
{
    while (next()) {
    }
    return sqlite3_changes(db_);
}

std::string statement::text(int column) const
{
    const auto* bytes = sqlite3_column_text(handle_.get(), column);
    if (!bytes) return {};
    return {reinterpret_cast<const char*>(bytes),
            static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::int64_t statement::integer(int column) const
{
    return sqlite3_column_int64(handle_.get(), column);
}

bool statement::is_null(int column) const
{
    return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

void statement::bind(int index, std::string_view value)
{
    sqlite3_bind_text(handle_.get(), index, value.data(), static_cast<int>(value.size()), SQLITE_TRANSIENT);
}

void statement::bind(int index, std::int64_t value)
{
    sqlite3_bind_int64(handle_.get(), index, value);
}

void statement::bind(int index, std::nullptr_t)
{
    sqlite3_bind_null(handle_.get(), index);
}

void statement::bind(int index, const statement& from, int column)
{
    sqlite3_bind_value(handle_.get(), index, sqlite3_column_value(from.handle_.get(), column));
}

void statement::reset()
{
    sqlite3_reset(handle_.get());
}

void database::closer::operator()(sqlite3* db) const noexcept
{
    sqlite3_close_v2(db);
}

database::database(const std::filesystem::path& file, commits how)
    : how_(how), write_turn_(turn_of(file)), file_(file)
{
    // SQLite would let everybody read it; the files that it puts beside it get the rights that this one has.
    // Not by opening it: closing that again would drop the locks of this process's other connections.
    ::mknod(file.c_str(), S_IFREG | 0600, 0);
    settle_rights(file);
    sqlite3* opened = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    const int rc = sqlite3_open_v2(file.c_str(), &opened, flags, nullptr);
    handle_.reset(opened);
    if (rc != SQLITE_OK) fail(opened, "the state database could not be opened");
    sqlite3_busy_handler(opened, wait_for_others, nullptr);
    execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON");
    flush_commits(lasting::at_once);
}

/// SQLite takes this between transactions only.
void database::flush_commits(lasting when)
{
    if (how_ == commits::survive_processes || when == now_) return;
    execute(when == lasting::at_once ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    now_ = when;
}

void database::execute(const char* sql)
{
    if (sqlite3_exec(handle_.get(), sql, nullptr, nullptr, nullptr) != SQLITE_OK)
        fail(handle_.get(), "the state database could not be read or written");
}

std::optional<change_count> database::changes()
{
    if (!query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'changes'").next())
        return std::nullopt;
    auto row = query("SELECT name, number FROM changes");
    if (!row.next()) return std::nullopt;
    return change_count{row.text(0), row.integer(1)};
}

void database::count_changes()
{
    mark_.emplace(file_);
}

change_count database::count_one_more()
{
    if (!counting_) counting_ = query("UPDATE changes SET number = number + 1 RETURNING name, number");
    change_count now;
    while (counting_->next())
        now = {counting_->text(0), counting_->integer(1)};
    counting_->reset();
    return now;
}

transaction::transaction(database& db, lasting when) : db_(db), turn_(*db.write_turn_)
{
    db_.flush_commits(when);
    db_.execute("BEGIN IMMEDIATE");
}

transaction::~transaction()
{
    if (!open_) return;
    try {
        db_.execute("ROLLBACK");
    } catch (const fault_error&) {
        // SQLite has rolled back by itself after a full disk or an I/O error.
    }
}

void transaction::commit()
{
    std::optional<change_count> counted;
    if (db_.mark_) counted = db_.count_one_more();
    db_.execute("COMMIT");
    open_ = false;
    const bool is_on_disk = db_.how_ == database::commits::survive_processes || db_.now_ == lasting::at_once;
    if (counted && is_on_disk) db_.mark_->write(*counted); // or a power cut would leave it ahead
    turn_.unlock();
}

} // namespace graftline::effects
