#include "graftline/effects/store/store.hpp"

#include "graftline/effects/db/opening_turn.hpp"
#include "graftline/effects/store/stored_rows.hpp"
#include "graftline/git/repository/state_folder.hpp"
#include "graftline/runtime/base/clock.hpp"

#include <fstream>

namespace graftline::effects {
namespace {

constexpr std::int64_t schema_version = 5;

// A task is one JSON record beside the columns that are searched by: a new field needs no migration.
constexpr const char* tables = R"(
    CREATE TABLE tasks (
        id TEXT PRIMARY KEY,
        number INTEGER NOT NULL,
        key TEXT NOT NULL,
        run TEXT NOT NULL,
        state TEXT NOT NULL,
        record TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX tasks_by_number ON tasks (number);
    CREATE INDEX tasks_by_run ON tasks (run);
    CREATE TABLE runs (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        record TEXT NOT NULL
    );
    CREATE TABLE intents (
        task TEXT PRIMARY KEY,
        record TEXT NOT NULL
    ) WITHOUT ROWID;
)";

// Only ever added to. Since schema 2, instead of the table of effects that schema 1 had.
constexpr const char* journal_table = R"(
    CREATE TABLE journal (
        number INTEGER PRIMARY KEY,
        time INTEGER NOT NULL,
        run INTEGER NOT NULL,
        event INTEGER NOT NULL,
        path TEXT NOT NULL,
        kind TEXT NOT NULL,
        detail INTEGER NOT NULL,
        body TEXT,
        file TEXT,
        checksum INTEGER NOT NULL
    );
)";

// Since schema 3.
constexpr const char* checksums = R"(
    ALTER TABLE tasks ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0;
)";

// Since schema 4: what a command needs of the store is found without reading all of it. The new columns say
// what the records say; tasks whose views (views.hpp) are older than they are stand in `unviewed`.
constexpr const char* search_columns = R"(
    ALTER TABLE tasks ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    ALTER TABLE tasks ADD COLUMN port_base INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE runs ADD COLUMN outcome TEXT NOT NULL DEFAULT '';
    CREATE TABLE unviewed (task TEXT PRIMARY KEY) WITHOUT ROWID;
    CREATE INDEX tasks_by_state ON tasks (state, port_base);
    CREATE INDEX tasks_by_owner ON tasks (owner) WHERE owner <> '';
    CREATE INDEX runs_not_done ON runs (number) WHERE outcome <> 'done';
    CREATE INDEX journal_by_run ON journal (run); -- and number, which every index has
)";

// Since schema 5: how many transactions there have been (change_mark.hpp).
constexpr const char* change_counter = R"(
    CREATE TABLE changes (name TEXT NOT NULL, number INTEGER NOT NULL);
    INSERT INTO changes (name, number) VALUES (lower(hex(randomblob(8))), 0);
    PRAGMA user_version = 5;
)";

std::int64_t milliseconds_of(const std::string& time)
{
    const auto read = from_iso8601(time);
    return read ? read->time_since_epoch().count() : 0;
}

/// What a database and its tasks leave beside it: its mark, logs, and worktrees that are locked for them.
bool has_traces(const std::filesystem::path& folder)
{
    namespace fs = std::filesystem;
    std::error_code failed;
    if (fs::exists(change_mark::file_of(folder / "state.db"), failed)) return true;
    for (fs::directory_iterator at(folder / "logs", failed), end; !failed && at != end; at.increment(failed))
        if (at->is_directory(failed)) return true;
    const auto worktrees = folder.parent_path() / "worktrees";
    for (fs::directory_iterator at(worktrees, failed), end; !failed && at != end; at.increment(failed)) {
        std::ifstream reason(at->path() / "locked");
        std::string text;
        if (std::getline(reason, text) && text.starts_with("graftline ")) return true;
    }
    return false;
}

fault is_gone(const std::filesystem::path& folder)
{
    return fault(errc::corrupt, "the state database is gone, though there is what its tasks left")
        .with("file", (folder / "state.db").string())
        .advise("A command that changes something finds again what the repository tells of: graftline clean");
}

fault has_gone_back(const std::filesystem::path& folder)
{
    return fault(errc::corrupt, "the state database has lost its latest changes: its write-ahead log was "
                                "emptied or damaged")
        .with("file", (folder / "state.db-wal").string())
        .advise("A command that changes something finds again what the repository tells of: graftline clean");
}

/// Throws corrupt when the database is not there any more.
const std::filesystem::path& still_there(const std::filesystem::path& folder)
{
    std::error_code no_file;
    const auto size = std::filesystem::file_size(folder / "state.db", no_file);
    if ((no_file || size == 0) && has_traces(folder)) throw fault_error(is_gone(folder));
    return folder;
}

} // namespace

store::store(const std::filesystem::path& folder, database::commits how)
    : store(folder, how, opening_turn(folder))
{
}

store::store(const std::filesystem::path& folder, database::commits how, const opening_turn&, opened as)
    : folder_(folder), db_((end_replacing(folder), still_there(folder)) / "state.db", how)
{
    const auto mark = change_mark(folder / "state.db").read(); // first: others may go on meanwhile
    if (as == opened::to_be_used || version() < 3) migrate();
    went_back_ = mark && !db_.changes().value_or(change_count()).goes_on_from(*mark);
    if (as == opened::to_be_used) {
        if (went_back_) throw fault_error(has_gone_back(folder));
        db_.count_changes();
    }
    git::settle_access(folder);
}

std::int64_t store::version()
{
    auto row = db_.query("PRAGMA user_version");
    row.next();
    return row.integer(0);
}

bool store::is_there(const std::filesystem::path& folder)
{
    std::error_code ignored;
    return std::filesystem::exists(folder / "state.db", ignored) ||
           std::filesystem::exists(folder / "state.db.new", ignored) || has_traces(folder);
}

void store::migrate()
{
    if (version() == schema_version) return;
    transaction whole(db_);
    const auto version = this->version(); // another process may have migrated meanwhile
    if (version > schema_version)
        throw fault_error(fault(errc::unusable, "the state database is from a newer graftline (schema " +
                                                    std::to_string(version) + ", this one knows " +
                                                    std::to_string(schema_version) + ")")
                              .advise("Use the graftline that made it, or a newer one."));
    if (version < 1 && has_traces(folder_)) throw fault_error(is_gone(folder_));
    if (version < 1) db_.execute(tables);
    if (version < 2) db_.execute(journal_table);
    if (version == 1) migrate_effects();
    if (version < 3) {
        db_.execute(checksums);
        add_checksums();
    }
    if (version < 4) {
        db_.execute(search_columns);
        add_search_columns();
    }
    db_.execute(change_counter);
    whole.commit();
}

/// To the rows of an older schema. One that did not read back even then gets none that fits.
void store::add_checksums()
{
    constexpr std::int64_t never = -1;
    auto of_tasks = db_.query(task_rows);
    while (of_tasks.next()) {
        const auto t = parse_record<task>(of_tasks.text(4));
        const auto sum = sum_of(
            {of_tasks.text(0), of_tasks.text(1), of_tasks.text(2), of_tasks.text(3), of_tasks.text(4)});
        db_.query("UPDATE tasks SET checksum = ? WHERE id = ?", t ? sum : never, of_tasks.text(0)).run();
    }
    auto of_runs = db_.query(run_rows);
    while (of_runs.next()) {
        const auto run = parse_record<run_record>(of_runs.text(2));
        const auto sum = sum_of({of_runs.text(0), of_runs.text(1), of_runs.text(2)});
        db_.query("UPDATE runs SET checksum = ? WHERE id = ?", run ? sum : never, of_runs.text(0)).run();
    }
}

/// From the records. One that does not read back is found by its id alone, as it was.
void store::add_search_columns()
{
    auto of_tasks = db_.query(task_rows);
    while (of_tasks.next())
        if (const auto t = parse_record<task>(of_tasks.text(4)))
            db_.query("UPDATE tasks SET owner = ?, port_base = ? WHERE id = ?", t->owner,
                      std::int64_t{t->port_base}, of_tasks.text(0))
                .run();
    auto of_runs = db_.query(run_rows);
    while (of_runs.next())
        if (const auto run = parse_record<run_record>(of_runs.text(2)))
            db_.query("UPDATE runs SET outcome = ? WHERE id = ?", run->outcome, of_runs.text(0)).run();
    db_.execute("INSERT OR IGNORE INTO unviewed (task) SELECT id FROM tasks");
}

/// What schema 1 knew of effects, as records. Its runs are history: they are not gone on with.
void store::migrate_effects()
{
    journal_inserter into(db_, folder_);
    auto rows = db_.query("SELECT COALESCE(r.number, 0), e.path, e.kind, e.arguments, e.state, e.outcome, "
                          "e.started_at, e.resolved_at FROM effects e LEFT JOIN runs r ON r.id = e.run "
                          "ORDER BY e.number");
    while (rows.next()) {
        journal_record r;
        r.run = rows.integer(0);
        r.path = rows.text(1);
        r.time_ms = milliseconds_of(rows.text(6));
        r.kind = rows.text(2);
        r.body = rows.text(3);
        into.insert(r);
        r.kind.clear();
        r.body.clear();
        r.event = journal_event::started;
        r.detail = 1;
        into.insert(r);
        if (rows.text(7).empty()) continue;
        r.time_ms = milliseconds_of(rows.text(7));
        r.event = journal_event::resolved;
        r.detail = rows.text(4) == "done";
        r.body = rows.text(5);
        into.insert(r);
        r.event = journal_event::delivered;
        r.detail = 0;
        r.body.clear();
        into.insert(r);
    }
    db_.execute("DROP TABLE effects");
}

void store::pass_over(const statement& row, const char* table, const if_unreadable& bad,
                      const std::function<void()>& read)
{
    try {
        read();
    } catch (const fault_error& e) {
        if (!bad || !e.why().is(errc::corrupt)) throw;
        bad({table, row.text(0), e.why()});
    }
}

bool store::is_damaged(const std::filesystem::path& folder)
{
    try {
        {
            const opening_turn alone(folder);
            end_replacing(folder);
            database db(still_there(folder) / "state.db");
            auto row = db.query("PRAGMA quick_check(1)");
            if (!row.next() || row.text(0) != "ok") return true;
        }
        store s(folder);
        s.tasks();
        s.runs();
        return false;
    } catch (const fault_error& e) {
        return e.why().is(errc::corrupt);
    }
}

} // namespace graftline::effects
