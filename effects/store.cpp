#include "graftline/effects/store.hpp"

#include "graftline/effects/checksum.hpp"
#include "graftline/effects/opening_turn.hpp"
#include "graftline/effects/stored_json.hpp"
#include "graftline/runtime/clock.hpp"
#include "graftline/runtime/process_tree.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

namespace graftline::effects {
namespace {

constexpr std::int64_t schema_version = 3;

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
    PRAGMA user_version = 3;
)";

// What is summed up, with the record at its end; then the checksum. The first column names the row.
const std::string task_rows = "SELECT id, key, run, state, record, checksum FROM tasks ";
const std::string run_rows = "SELECT id, number, record, checksum FROM runs ";
constexpr int summed_in_task = 5, summed_in_run = 3;

std::int64_t milliseconds_of(const std::string& time)
{
    const auto read = from_iso8601(time);
    return read ? read->time_since_epoch().count() : 0;
}

std::string text_of(std::int64_t milliseconds)
{
    return to_iso8601(utc_time(std::chrono::milliseconds(milliseconds)));
}

/// Who carries a run out: with the record that it begins or is gone on with. What is started after that
/// record and before the next such one, that process started.
std::string identity_of(std::int64_t pid)
{
    const auto facts = facts_of(static_cast<pid_t>(pid));
    return json::serialize(
        json::object{{"pid", pid}, {"start_time", facts ? facts->start_time : 0}, {"boot_id", boot_id()}});
}

template <class T> result<T> parse_record(const std::string& text)
{
    boost::system::error_code failed;
    const auto parsed = json::parse(text, failed);
    if (failed) return fault(errc::corrupt, "a stored record is not JSON").with("cause", failed.message());
    return from_stored<T>(parsed);
}

std::int64_t sum_of(std::initializer_list<std::string_view> columns)
{
    checksum sum;
    for (const auto column : columns)
        sum.add(column);
    return sum.value();
}

std::int64_t sum_of_task(const task& t, std::string_view record)
{
    return sum_of({t.id, t.key, t.run, to_string(t.state), record});
}

std::int64_t sum_of_run(const run_record& run, std::string_view record)
{
    return sum_of({run.id, std::to_string(run.number), record});
}

/// What tasks leave beside a database: logs, and worktrees that are locked for them.
bool has_traces(const std::filesystem::path& folder)
{
    namespace fs = std::filesystem;
    std::error_code failed;
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

/// Throws corrupt when the database is not there any more.
const std::filesystem::path& still_there(const std::filesystem::path& folder)
{
    std::error_code no_file;
    const auto size = std::filesystem::file_size(folder / "state.db", no_file);
    if ((no_file || size == 0) && has_traces(folder)) throw fault_error(is_gone(folder));
    return folder;
}

/// Throws corrupt, naming the row, when the first `summed` columns are not what the checksum after them says.
void check_row(const statement& row, int summed, const char* table, const std::filesystem::path& folder)
{
    checksum sum;
    for (int column = 0; column < summed; ++column)
        sum.add(row.text(column));
    if (row.integer(summed) == sum.value()) return;
    throw fault_error(fault(errc::corrupt, "a row of the state database does not read back as it was written")
                          .with("table", table)
                          .with("row", row.text(0))
                          .with("file", (folder / "state.db").string())
                          .advise(how_to_rebuild));
}

template <class T> std::string record_text(const T& value)
{
    return json::serialize(to_stored(value));
}

} // namespace

store::store(const std::filesystem::path& folder, database::commits how)
    : store(folder, how, opening_turn(folder))
{
}

store::store(const std::filesystem::path& folder, database::commits how, const opening_turn&)
    : folder_(folder), db_((end_replacing(folder), still_there(folder)) / "state.db", how)
{
    migrate();
}

bool store::is_there(const std::filesystem::path& folder)
{
    std::error_code ignored;
    return std::filesystem::exists(folder / "state.db", ignored) ||
           std::filesystem::exists(folder / "state.db.new", ignored) || has_traces(folder);
}

void store::migrate()
{
    auto version_of = [this] {
        auto row = db_.query("PRAGMA user_version");
        row.next();
        return row.integer(0);
    };
    if (version_of() == schema_version) return;
    transaction whole(db_);
    const auto version = version_of(); // another process may have migrated meanwhile
    if (version > schema_version)
        throw fault_error(fault(errc::unusable, "the state database is from a newer graftline (schema " +
                                                    std::to_string(version) + ", this one knows " +
                                                    std::to_string(schema_version) + ")")
                              .advise("Use the graftline that made it, or a newer one."));
    if (version < 1 && has_traces(folder_)) throw fault_error(is_gone(folder_));
    if (version < 1) db_.execute(tables);
    if (version < 2) db_.execute(journal_table);
    if (version == 1) migrate_effects();
    db_.execute(checksums);
    add_checksums();
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

void store::note(journal_event event, const std::string& run, const std::string& path, std::string_view state,
                 std::string body)
{
    auto number = db_.query("SELECT number FROM runs WHERE id = ?", run);
    journal_record r;
    r.time_ms = real_clock().now().time_since_epoch().count();
    r.run = number.next() ? number.integer(0) : 0;
    r.event = event;
    r.path = path;
    r.kind = state;
    r.body = std::move(body);
    journal_inserter(db_, folder_).insert(r);
}

task store::read_task(const statement& row) const
{
    check_row(row, summed_in_task, "tasks", folder_);
    return parse_record<task>(row.text(summed_in_task - 1)).value();
}

std::optional<task> store::read(statement& row) const
{
    if (!row.next()) return std::nullopt;
    return read_task(row);
}

run_record store::read_run(const statement& row) const
{
    check_row(row, summed_in_run, "runs", folder_);
    auto run = parse_record<run_record>(row.text(summed_in_run - 1)).value();
    run.number = row.integer(1);
    return run;
}

void store::write(const task& t)
{
    const auto record = record_text(t);
    db_.query("UPDATE tasks SET key = ?, run = ?, state = ?, record = ?, checksum = ? WHERE id = ?", t.key,
              t.run, to_string(t.state), record, sum_of_task(t, record), t.id)
        .run();
}

void store::add(const std::vector<task>& tasks)
{
    transaction whole(db_);
    insert(tasks);
    whole.commit();
}

void store::insert(const std::vector<task>& tasks)
{
    for (const auto& t : tasks) {
        if (find(t.id)) throw fault_error(fault(errc::exists, "there is a task '" + t.id + "' already"));
        const auto record = record_text(t);
        db_.query("INSERT INTO tasks (id, number, key, run, state, record, checksum) "
                  "VALUES (?, (SELECT COALESCE(MAX(number), 0) + 1 FROM tasks), ?, ?, ?, ?, ?)",
                  t.id, t.key, t.run, to_string(t.state), record, sum_of_task(t, record))
            .run();
        note(journal_event::task, t.run, t.id, to_string(t.state));
    }
}

void store::forget(const std::string& id)
{
    transaction whole(db_);
    db_.query("DELETE FROM tasks WHERE id = ?", id).run();
    whole.commit();
}

std::optional<task> store::find(const std::string& id)
{
    auto row = db_.query(task_rows + "WHERE id = ?", id);
    return read(row);
}

std::vector<task> store::tasks()
{
    std::vector<task> all;
    auto rows = db_.query(task_rows + "ORDER BY number");
    while (auto t = read(rows))
        all.push_back(std::move(*t));
    return all;
}

std::vector<task> store::tasks_of(const std::string& run)
{
    std::vector<task> some;
    auto rows = db_.query(task_rows + "WHERE run = ? ORDER BY number", run);
    while (auto t = read(rows))
        some.push_back(std::move(*t));
    return some;
}

task store::resolve(const std::string& handle)
{
    if (auto exact = find(handle)) return std::move(*exact);

    auto by_key = db_.query(task_rows + "WHERE key = ? AND key <> '' "
                                        "ORDER BY state IN ('merged', 'discarded'), number DESC LIMIT 1",
                            handle);
    if (auto keyed = read(by_key)) return std::move(*keyed);

    std::vector<task> candidates;
    auto by_prefix = db_.query(task_rows + "WHERE substr(id, 1, ?) = ? ORDER BY number",
                               static_cast<std::int64_t>(handle.size()), handle);
    if (!handle.empty())
        while (auto t = read(by_prefix))
            candidates.push_back(std::move(*t));
    if (candidates.size() == 1) return std::move(candidates.front());
    if (candidates.empty())
        throw fault_error(
            fault(errc::not_found, "there is no task '" + handle + "'").advise("See them: graftline status"));
    fault several(errc::invalid, "'" + handle + "' is the beginning of several tasks' ids");
    for (const auto& t : candidates)
        several.with(t.id, title(t));
    throw fault_error(std::move(several.advise("Give more of the id.")));
}

task store::change(const std::string& id, const std::function<void(task&)>& change)
{
    transaction whole(db_);
    auto changed = change_here(id, change);
    whole.commit();
    return changed;
}

task store::change_among(const std::string& id,
                         const std::function<void(task&, const std::vector<task>&)>& change)
{
    transaction whole(db_);
    const auto all = tasks();
    auto changed = change_here(id, [&](task& t) { change(t, all); });
    whole.commit();
    return changed;
}

task store::change_here(const std::string& id, const std::function<void(task&)>& change)
{
    auto found = find(id);
    if (!found) throw fault_error(fault(errc::not_found, "there is no task '" + id + "'"));
    const auto before = found->state;
    change(*found);
    if (auto allowed = check_transition(id, before, found->state); !allowed)
        throw fault_error(allowed.error());
    write(*found);
    if (before != found->state)
        note(journal_event::task, found->owner.empty() ? found->run : found->owner, id,
             to_string(found->state));
    return std::move(*found);
}

void store::set_intents(const std::vector<std::pair<std::string, std::string>>& by_task)
{
    transaction whole(db_);
    for (const auto& [task, intent] : by_task)
        db_.query("INSERT OR REPLACE INTO intents (task, record) VALUES (?, ?)", task, intent).run();
    whole.commit();
}

void store::clear_intent(const std::string& task)
{
    transaction whole(db_);
    db_.query("DELETE FROM intents WHERE task = ?", task).run();
    whole.commit();
}

std::vector<std::pair<std::string, std::string>> store::intents()
{
    std::vector<std::pair<std::string, std::string>> all;
    auto rows = db_.query("SELECT task, record FROM intents");
    while (rows.next())
        all.emplace_back(rows.text(0), rows.text(1));
    return all;
}

run_record store::add(run_record run, const std::vector<task>& fresh)
{
    transaction whole(db_);
    auto next = db_.query("SELECT COALESCE(MAX(number), 0) + 1 FROM runs");
    next.next();
    run.number = next.integer(0);
    const auto record = record_text(run);
    db_.query("INSERT INTO runs (number, id, record, checksum) VALUES (?, ?, ?, ?)", run.number, run.id,
              record, sum_of_run(run, record))
        .run();
    note(journal_event::run, run.id, {}, "begun", identity_of(run.pid));
    insert(fresh);
    whole.commit();
    return run;
}

void store::write_run(const run_record& run)
{
    const auto record = record_text(run);
    db_.query("UPDATE runs SET record = ?, checksum = ? WHERE id = ?", record, sum_of_run(run, record),
              run.id)
        .run();
}

void store::resume_run(const std::string& id, std::int64_t pid)
{
    transaction whole(db_);
    auto run = find_run(id);
    run.pid = pid;
    run.owned_since = now_text();
    run.finished_at.clear();
    run.outcome.clear();
    write_run(run);
    note(journal_event::run, id, {}, "resumed", identity_of(pid));
    whole.commit();
}

void store::finish_run(const std::string& id, const std::string& outcome)
{
    transaction whole(db_);
    auto run = find_run(id);
    run.finished_at = now_text();
    run.outcome = outcome;
    write_run(run);
    note(journal_event::run, id, {}, outcome);
    whole.commit();
}

std::vector<run_record> store::runs()
{
    std::vector<run_record> all;
    auto rows = db_.query(run_rows + "ORDER BY number");
    while (rows.next())
        all.push_back(read_run(rows));
    return all;
}

void store::check_runs()
{
    auto rows = db_.query(run_rows);
    while (rows.next())
        check_row(rows, summed_in_run, "runs", folder_);
}

run_record store::find_run(const std::string& id)
{
    auto row = db_.query(run_rows + "WHERE id = ?", id);
    if (!row.next())
        throw fault_error(fault(errc::not_found, "there is no run '" + id + "'")
                              .advise("See them: graftline status --all"));
    return read_run(row);
}

void store::read_journal(std::int64_t after, std::optional<std::int64_t> run,
                         const std::function<bool(journal_record&&)>& each, const journal_reader::if_bad& bad)
{
    journal_reader records(db_, folder_, after, run);
    while (auto r = records.next(bad))
        if (!each(std::move(*r))) return;
}

std::vector<effect_record> store::effects_of(const std::string& run)
{
    std::vector<effect_record> all;
    std::map<std::string, std::size_t> place;
    auto take = [&](journal_record&& r) {
        if (r.event == journal_event::requested && !place.contains(r.path)) {
            place[r.path] = all.size();
            all.push_back({run, r.path, r.kind, r.body, "requested", {}, text_of(r.time_ms), {}});
        }
        const auto found = place.find(r.path);
        if (found == place.end()) return true;
        auto& e = all[found->second];
        if (r.event == journal_event::started) e.state = "started";
        if (r.event != journal_event::resolved) return true;
        e.state = r.detail == 1 ? "done" : "failed";
        e.outcome = std::move(r.body);
        e.resolved_at = text_of(r.time_ms);
        return true;
    };
    read_journal(0, find_run(run).number, take);
    return all;
}

std::vector<run_record> store::runs_with_old_journal(utc_time time,
                                                     const std::function<bool(const run_record&)>& goes_on)
{
    std::set<std::string> needed; // runs that work on a task, and tasks that are not over
    for (const auto& t : tasks()) {
        needed.insert(t.owner);
        if (is_over(t.state)) continue;
        needed.insert(t.id);
        needed.insert(t.run);
    }
    std::set<std::int64_t> old;
    auto rows = db_.query("SELECT run FROM journal GROUP BY run HAVING MAX(time) < ?",
                          std::int64_t{time.time_since_epoch().count()});
    while (rows.next())
        old.insert(rows.integer(0));
    std::vector<run_record> found;
    const auto is_needed = [&](const std::string& id) { return needed.contains(id); };
    for (auto& r : runs())
        if (old.contains(r.number) && !is_needed(r.id) && std::ranges::none_of(r.tasks, is_needed) &&
            !goes_on(r))
            found.push_back(std::move(r));
    return found;
}

std::vector<run_record> store::forget_old_journals(utc_time time,
                                                   const std::function<bool(const run_record&)>& goes_on)
{
    transaction whole(db_);
    auto found = runs_with_old_journal(time, goes_on);
    for (const auto& r : found)
        db_.query("DELETE FROM journal WHERE run = ?", r.number).run();
    whole.commit();
    std::error_code ignored; // a file that stays is read by nobody
    for (const auto& r : found)
        std::filesystem::remove_all(folder_ / journal_inserter::files_of(r.number), ignored);
    return found;
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
