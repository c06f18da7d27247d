#include "graftline/effects/store.hpp"

#include "graftline/effects/stored_json.hpp"
#include "graftline/runtime/descriptor.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace graftline::effects {
namespace {

constexpr std::int64_t schema_version = 1;

// A task is one JSON record beside the columns that are searched by: a new field needs no migration.
constexpr const char* schema_1 = R"(
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
    CREATE TABLE effects (
        number INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        path TEXT NOT NULL,
        kind TEXT NOT NULL,
        arguments TEXT NOT NULL,
        state TEXT NOT NULL,
        outcome TEXT NOT NULL DEFAULT '',
        started_at TEXT NOT NULL,
        resolved_at TEXT NOT NULL DEFAULT '',
        UNIQUE (run, path)
    );
    CREATE TABLE intents (
        task TEXT PRIMARY KEY,
        record TEXT NOT NULL
    ) WITHOUT ROWID;
    PRAGMA user_version = 1;
)";

std::filesystem::path private_folder(const std::filesystem::path& folder)
{
    std::error_code failed;
    std::filesystem::create_directories(folder.parent_path(), failed);
    // Descriptions and prompts lie in here: nobody else's business.
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        throw fault_error(system_fault(errno, "the folder for graftline's state could not be made")
                              .with("folder", folder.string())
                              .advise("graftline needs to write into the git directory."));
    return folder;
}

} // namespace

/// Held while a database is opened: SQLite gives up at once, without its patience, when two processes turn a
/// new one over to write-ahead logging. Waits on a thread that may block, for milliseconds.
class opening_turn {
public:
    explicit opening_turn(const std::filesystem::path& folder)
        : file_(::open((private_folder(folder) / "state.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600))
    {
        struct flock whole{};
        whole.l_type = F_WRLCK;
        while (file_ && ::fcntl(file_.get(), F_OFD_SETLKW, &whole) != 0 && errno == EINTR) {
        }
    }

private:
    descriptor file_; // closing it unlocks; without it SQLite itself says what is wrong
};

namespace {

template <class T> T parse_record(const std::string& text)
{
    boost::system::error_code failed;
    const auto parsed = json::parse(text, failed);
    if (failed)
        throw fault_error(
            fault(errc::corrupt, "a stored record is not JSON").with("cause", failed.message()));
    return from_stored<T>(parsed).value();
}

template <class T> std::string record_text(const T& value)
{
    return json::serialize(to_stored(value));
}

} // namespace

store::store(const std::filesystem::path& folder) : store(private_folder(folder), opening_turn(folder)) {}

store::store(const std::filesystem::path& folder, const opening_turn&) : db_(folder / "state.db")
{
    migrate();
}

bool store::is_there(const std::filesystem::path& folder)
{
    std::error_code ignored;
    return std::filesystem::exists(folder / "state.db", ignored);
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
    if (version < 1) db_.execute(schema_1);
    whole.commit();
}

std::optional<task> store::read(statement& row)
{
    if (!row.next()) return std::nullopt;
    return parse_record<task>(row.text(0));
}

void store::write(const task& t)
{
    db_.query("UPDATE tasks SET key = ?, run = ?, state = ?, record = ? WHERE id = ?", t.key, t.run,
              to_string(t.state), record_text(t), t.id)
        .run();
}

void store::add(const std::vector<task>& tasks)
{
    transaction whole(db_);
    for (const auto& t : tasks) {
        if (find(t.id)) throw fault_error(fault(errc::exists, "there is a task '" + t.id + "' already"));
        db_.query("INSERT INTO tasks (id, number, key, run, state, record) "
                  "VALUES (?, (SELECT COALESCE(MAX(number), 0) + 1 FROM tasks), ?, ?, ?, ?)",
                  t.id, t.key, t.run, to_string(t.state), record_text(t))
            .run();
    }
    whole.commit();
}

void store::forget(const std::string& id)
{
    db_.query("DELETE FROM tasks WHERE id = ?", id).run();
}

std::optional<task> store::find(const std::string& id)
{
    auto row = db_.query("SELECT record FROM tasks WHERE id = ?", id);
    return read(row);
}

std::vector<task> store::tasks()
{
    std::vector<task> all;
    auto rows = db_.query("SELECT record FROM tasks ORDER BY number");
    while (auto t = read(rows))
        all.push_back(std::move(*t));
    return all;
}

std::vector<task> store::tasks_of(const std::string& run)
{
    std::vector<task> some;
    auto rows = db_.query("SELECT record FROM tasks WHERE run = ? ORDER BY number", run);
    while (auto t = read(rows))
        some.push_back(std::move(*t));
    return some;
}

task store::resolve(const std::string& handle)
{
    if (auto exact = find(handle)) return std::move(*exact);

    auto by_key = db_.query("SELECT record FROM tasks WHERE key = ? AND key <> '' "
                            "ORDER BY state IN ('merged', 'discarded'), number DESC LIMIT 1",
                            handle);
    if (auto keyed = read(by_key)) return std::move(*keyed);

    std::vector<task> candidates;
    auto by_prefix = db_.query("SELECT record FROM tasks WHERE substr(id, 1, ?) = ? ORDER BY number",
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
    db_.query("DELETE FROM intents WHERE task = ?", task).run();
}

std::vector<std::pair<std::string, std::string>> store::intents()
{
    std::vector<std::pair<std::string, std::string>> all;
    auto rows = db_.query("SELECT task, record FROM intents");
    while (rows.next())
        all.emplace_back(rows.text(0), rows.text(1));
    return all;
}

void store::add(const run_record& run)
{
    db_.query("INSERT INTO runs (id, record) VALUES (?, ?)", run.id, record_text(run)).run();
}

void store::finish_run(const std::string& id, const std::string& outcome)
{
    transaction whole(db_);
    auto row = db_.query("SELECT record FROM runs WHERE id = ?", id);
    if (!row.next()) return;
    auto run = parse_record<run_record>(row.text(0));
    run.finished_at = now_text();
    run.outcome = outcome;
    db_.query("UPDATE runs SET record = ? WHERE id = ?", record_text(run), id).run();
    whole.commit();
}

std::vector<run_record> store::runs()
{
    std::vector<run_record> all;
    auto rows = db_.query("SELECT record FROM runs ORDER BY number");
    while (rows.next())
        all.push_back(parse_record<run_record>(rows.text(0)));
    return all;
}

void store::effect_started(const effect_record& e)
{
    db_.query("INSERT INTO effects (run, path, kind, arguments, state, started_at) "
              "VALUES (?, ?, ?, ?, 'started', ?)",
              e.run, e.path, e.kind, e.arguments, now_text())
        .run();
}

void store::effect_resolved(const std::string& run, const std::string& path, bool done,
                            const std::string& outcome)
{
    db_.query("UPDATE effects SET state = ?, outcome = ?, resolved_at = ? WHERE run = ? AND path = ?",
              std::string_view(done ? "done" : "failed"), outcome, now_text(), run, path)
        .run();
}

std::vector<effect_record> store::effects_of(const std::string& run)
{
    std::vector<effect_record> all;
    auto rows = db_.query("SELECT run, path, kind, arguments, state, outcome, started_at, resolved_at "
                          "FROM effects WHERE run = ? ORDER BY number",
                          run);
    while (rows.next())
        all.push_back({rows.text(0), rows.text(1), rows.text(2), rows.text(3), rows.text(4), rows.text(5),
                       rows.text(6), rows.text(7)});
    return all;
}

} // namespace graftline::effects
