// The runs in the database, and their journal.
#include "graftline/effects/store/store.hpp"
#include "graftline/effects/store/stored_rows.hpp"
#include "graftline/runtime/base/clock.hpp"
#include "graftline/runtime/process/process_tree.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace graftline::effects {
namespace {

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

std::int64_t sum_of_run(const run_record& run, std::string_view record)
{
    return sum_of({run.id, std::to_string(run.number), record});
}

} // namespace

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

run_record store::read_run(const statement& row) const
{
    auto run = record_in<run_record>(row, summed_in_run, "runs", folder_);
    run.number = row.integer(1);
    return run;
}

run_record store::add(run_record run, const std::vector<task>& fresh)
{
    transaction whole(db_);
    auto next = db_.query("SELECT COALESCE(MAX(number), 0) + 1 FROM runs");
    next.next();
    run.number = next.integer(0);
    const auto record = record_text(run);
    db_.query("INSERT INTO runs (number, id, record, checksum, outcome) VALUES (?, ?, ?, ?, ?)", run.number,
              run.id, record, sum_of_run(run, record), run.outcome)
        .run();
    note(journal_event::run, run.id, {}, "begun", identity_of(run.pid));
    insert(fresh);
    whole.commit();
    return run;
}

void store::write_run(const run_record& run)
{
    const auto record = record_text(run);
    db_.query("UPDATE runs SET record = ?, checksum = ?, outcome = ? WHERE id = ?", record,
              sum_of_run(run, record), run.outcome, run.id)
        .run();
}

void store::resume_run(const std::string& id, std::int64_t pid)
{
    transaction whole(db_, lasting::with_the_next);
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

std::vector<run_record> store::runs(const if_unreadable& bad)
{
    std::vector<run_record> all;
    auto rows = db_.query(run_rows + "ORDER BY number");
    while (rows.next())
        pass_over(rows, "runs", bad, [&] { all.push_back(read_run(rows)); });
    return all;
}

std::vector<run_record> store::runs_not_done()
{
    std::vector<run_record> some;
    auto rows = db_.query(run_rows + "WHERE outcome <> 'done' ORDER BY number");
    while (rows.next())
        some.push_back(read_run(rows));
    return some;
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

} // namespace graftline::effects
