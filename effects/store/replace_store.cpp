// How a new database takes the place of a damaged one.
#include "graftline/effects/db/opening_turn.hpp"
#include "graftline/effects/store/store.hpp"
#include "graftline/runtime/base/clock.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

/// `what`, or false when what it reads is damaged.
bool unless_damaged(const std::function<bool()>& what)
{
    try {
        return what();
    } catch (const fault_error& e) {
        if (!e.why().is(errc::corrupt)) throw;
        return false;
    }
}

/// Copies the rows of a table that `is_whole` says yes to. False when it could not be read to its end.
bool copy_rows(database& from, database& into, const std::string& table,
               const std::vector<std::string>& columns, const std::function<bool(const statement&)>& is_whole)
{
    std::string names, places;
    for (const auto& name : columns) {
        names += (names.empty() ? "" : ", ") + name;
        places += places.empty() ? "?" : ", ?";
    }
    auto insert = into.query("INSERT OR IGNORE INTO " + table + " (" + names + ") VALUES (" + places + ")");
    std::optional<statement> rows;
    bool at_end = false;
    const auto next = [&] {
        if (!rows) rows = from.query("SELECT " + names + " FROM " + table);
        at_end = !rows->next();
        return !at_end;
    };
    while (unless_damaged(next)) {
        if (!is_whole(*rows)) continue;
        insert.reset();
        for (int column = 0; column < static_cast<int>(columns.size()); ++column)
            insert.bind(column + 1, *rows, column);
        insert.run();
    }
    return at_end;
}

/// False when there is none.
bool move_file(const fs::path& from, const fs::path& to)
{
    std::error_code failed;
    fs::rename(from, to, failed);
    if (failed && failed != std::errc::no_such_file_or_directory)
        throw fault_error(system_fault(failed.value(), "a damaged database could not be replaced")
                              .with("file", from.string()));
    return !failed;
}

/// Moves the database and what belongs to it. Result: its new name; empty when there was none.
fs::path set_aside(const fs::path& folder)
{
    const auto name = "state.db.corrupt-" + now_text();
    bool there = false;
    std::error_code ignored; // a mark that stays is a mark of another database
    fs::remove(change_mark::file_of(folder / "state.db"), ignored);
    for (const std::string end : {"-wal", "-shm", ""})
        there = move_file(folder / ("state.db" + end), folder / (name + end));
    return there ? folder / name : fs::path();
}

/// A task as a database knew it that has lost its latest changes, with what the repository tells of it since.
task brought_up(task known, const task& found)
{
    known.branch = found.branch.empty() ? known.branch : found.branch;
    known.worktree = found.worktree;
    known.worktree_ready = found.worktree_ready;
    known.base = known.base.empty() ? found.base : known.base;
    known.commit = found.commit.empty() ? known.commit : found.commit;
    known.landed = found.landed.empty() ? known.landed : found.landed;
    known.attempts = std::max(known.attempts, found.attempts);
    known.attempt = found.attempt.empty() ? known.attempt : found.attempt;
    known.log = found.log.empty() ? known.log : found.log;
    for (const auto& ref : found.rescues)
        if (std::ranges::find(known.rescues, ref) == known.rescues.end()) known.rescues.push_back(ref);
    known.state = found.state;
    known.reason = found.reason;
    known.finished_at = found.finished_at;
    known.owner.clear();
    return known;
}

} // namespace

/// The numbers of runs stay, by which the journal and its files know them.
store::replacement store::take_over(store& old)
{
    replacement done;
    transaction whole(db_);
    std::set<std::int64_t> numbers{0};
    const auto is_run = [&](const statement& row) {
        const bool whole = unless_damaged([&] { return numbers.insert(old.read_run(row).number).second; });
        if (!whole) done.bad.push_back("runs " + row.text(0));
        return whole;
    };
    const auto is_task = [&](const statement& row) {
        const bool whole = unless_damaged([&] { return !old.read_task(row).id.empty(); });
        if (!whole) done.bad.push_back("tasks " + row.text(0));
        done.kept += whole ? 1 : 0;
        return whole;
    };
    const auto is_intent = [](const statement&) { return true; };
    const auto is_of_a_run = [&](const statement& row) { return numbers.contains(row.integer(2)); };
    copy_rows(old.db_, db_, "runs", {"id", "number", "record", "checksum"}, is_run);
    done.all_read = copy_rows(old.db_, db_, "tasks",
                              {"id", "key", "run", "state", "record", "checksum", "number"}, is_task);
    copy_rows(old.db_, db_, "intents", {"task", "record"}, is_intent);
    const bool all_journal =
        copy_rows(old.db_, db_, "journal",
                  {"number", "time", "run", "event", "path", "kind", "detail", "body", "file", "checksum"},
                  is_of_a_run);
    add_search_columns();
    done.went_back = old.went_back_;
    end_what_cannot_go_on(all_journal && !done.went_back);
    whole.commit();
    return done;
}

/// Runs without a whole journal, and tasks of runs that are not known any more.
void store::end_what_cannot_go_on(bool all_journal)
{
    std::set<std::string> known;
    for (auto& run : runs()) {
        if (run.outcome != "done" && !all_journal) {
            run.outcome = "damaged";
            run.finished_at = now_text();
            write_run(run);
        } else
            known.insert(run.id);
    }
    for (auto& t : tasks()) {
        if (t.owner.empty() || known.contains(t.owner)) continue;
        t.owner.clear();
        if (t.state == task_state::running)
            t.reason = "its run is not known any more: the database was damaged";
        write(t);
    }
}

fs::path store::end_replacing(const fs::path& folder)
{
    std::error_code ignored;
    if (!fs::exists(folder / "state.db.new", ignored)) return {};
    auto aside = set_aside(folder);
    move_file(folder / "state.db.new", folder / "state.db");
    return aside;
}

store::replacement store::replace(const fs::path& folder, std::vector<task> found)
{
    const opening_turn alone(folder);
    const auto place = folder / "rebuilt";
    std::error_code failed;
    fs::remove_all(place, failed); // of one that was killed at this
    replacement done;
    {
        store fresh(place);
        unless_damaged([&] {
            store old(folder, database::commits::survive_processes, alone, opened::to_be_replaced);
            done = fresh.take_over(old);
            return true;
        });
        std::erase_if(found, [&](const task& t) {
            if (const auto known = fresh.find(t.id)) {
                if (done.went_back && !is_over(known->state)) fresh.write(brought_up(*known, t));
                return true;
            }
            const bool was_bad = std::ranges::find(done.bad, "tasks " + t.id) != done.bad.end();
            // Landed by somebody else: only the history tells of it.
            return done.all_read && !was_bad && t.worktree.empty() && t.attempts == 0 &&
                   (t.state != task_state::pending || !t.landed.empty());
        });
        fresh.add(found);
        done.found = found.size();
        fresh.db_.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    }
    move_file(place / "state.db", folder / "state.db.new"); // from here on it is the one that counts
    done.aside = end_replacing(folder);
    fs::remove_all(place, failed);
    return done;
}

} // namespace graftline::effects
