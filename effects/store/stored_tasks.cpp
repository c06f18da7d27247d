// The tasks in the database, and what landings are about to do for them.
#include "graftline/effects/store/store.hpp"
#include "graftline/effects/store/stored_rows.hpp"

#include <algorithm>

namespace graftline::effects {
namespace {

std::int64_t sum_of_task(const task& t, std::string_view record)
{
    return sum_of({t.id, t.key, t.run, to_string(t.state), record});
}

} // namespace

task store::read_task(const statement& row) const
{
    return record_in<task>(row, summed_in_task, "tasks", folder_);
}

std::optional<task> store::read(statement& row) const
{
    if (!row.next()) return std::nullopt;
    return read_task(row);
}

void store::write(const task& t)
{
    const auto record = record_text(t);
    db_.query("UPDATE tasks SET key = ?, run = ?, state = ?, record = ?, checksum = ?, owner = ?, "
              "port_base = ? WHERE id = ?",
              t.key, t.run, to_string(t.state), record, sum_of_task(t, record), t.owner,
              std::int64_t{t.port_base}, t.id)
        .run();
    db_.query("INSERT OR IGNORE INTO unviewed (task) VALUES (?)", t.id).run();
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
        if (has(t.id)) throw fault_error(fault(errc::exists, "there is a task '" + t.id + "' already"));
        const auto record = record_text(t);
        db_.query("INSERT INTO tasks (id, number, key, run, state, record, checksum, owner, port_base) "
                  "VALUES (?, (SELECT COALESCE(MAX(number), 0) + 1 FROM tasks), ?, ?, ?, ?, ?, ?, ?)",
                  t.id, t.key, t.run, to_string(t.state), record, sum_of_task(t, record), t.owner,
                  std::int64_t{t.port_base})
            .run();
        db_.query("INSERT OR IGNORE INTO unviewed (task) VALUES (?)", t.id).run();
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

std::vector<task> store::tasks(const if_unreadable& bad)
{
    std::vector<task> all;
    auto rows = db_.query(task_rows + "ORDER BY number");
    while (rows.next())
        pass_over(rows, "tasks", bad, [&] { all.push_back(read_task(rows)); });
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

std::vector<task> store::tasks_in(const std::vector<task_state>& states)
{
    std::string names; // of states: nothing from outside
    for (const auto state : states)
        names += (names.empty() ? "'" : ", '") + std::string(to_string(state)) + "'";
    std::vector<task> some;
    auto rows = db_.query(task_rows + "WHERE state IN (" + names + ") ORDER BY number");
    while (auto t = read(rows))
        some.push_back(std::move(*t));
    return some;
}

std::vector<task> store::tasks_owned_by(const std::string& run)
{
    std::vector<task> some;
    auto rows = db_.query(task_rows + "WHERE owner = ? AND owner <> '' ORDER BY number", run);
    while (auto t = read(rows))
        some.push_back(std::move(*t));
    return some;
}

std::vector<task> store::owned_tasks()
{
    std::vector<task> some;
    // SQLite knows only so that its index by owner is the shorter way.
    auto rows = db_.query(task_rows + "WHERE owner <> '' AND owner > '' ORDER BY +number");
    while (auto t = read(rows))
        some.push_back(std::move(*t));
    return some;
}

std::vector<task> store::tasks_not_over()
{
    using enum task_state;
    return tasks_in({pending, running, completed, failed, conflicted, cancelled});
}

bool store::has(const std::string& id)
{
    return db_.query("SELECT 1 FROM tasks WHERE id = ?", id).next();
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

task store::change(const std::string& id, const std::function<void(task&)>& change, lasting when)
{
    transaction whole(db_, when);
    auto changed = change_here(id, change);
    whole.commit();
    return changed;
}

std::vector<task>
store::settle_landings(const std::vector<std::pair<std::string, std::function<void(task&)>>>& by_task)
{
    transaction whole(db_);
    std::vector<task> changed;
    for (const auto& [id, change] : by_task) {
        changed.push_back(change_here(id, change));
        db_.query("DELETE FROM intents WHERE task = ?", id).run();
    }
    whole.commit();
    return changed;
}

std::set<int> store::ports_given(const std::string& besides)
{
    std::set<int> given;
    auto rows = db_.query(
        "SELECT port_base FROM tasks WHERE state = 'running' AND port_base <> 0 AND id <> ?", besides);
    while (rows.next())
        given.insert(static_cast<int>(rows.integer(0)));
    return given;
}

bool store::give_ports(const std::string& id, int first)
{
    transaction whole(db_, lasting::with_the_next);
    if (ports_given(id).contains(first)) return false;
    change_here(id, [&](task& t) { t.port_base = first; });
    whole.commit();
    return true;
}

void store::view_changed(const std::function<void(const std::vector<task>&, std::size_t)>& view)
{
    transaction whole(db_, lasting::with_the_next); // the views are copies
    std::vector<task> changed;
    const auto left_out = [](unreadable_row&&) {}; // of no use to the views
    auto rows = db_.query(task_rows + "WHERE id IN (SELECT task FROM unviewed) ORDER BY number");
    while (rows.next())
        pass_over(rows, "tasks", left_out, [&] { changed.push_back(read_task(rows)); });
    auto count = db_.query("SELECT COUNT(*) FROM tasks");
    count.next();
    view(changed, static_cast<std::size_t>(count.integer(0)));
    db_.execute("DELETE FROM unviewed");
    whole.commit();
}

task store::change_here(const std::string& id, const std::function<void(task&)>& change)
{
    auto found = find(id);
    if (!found) throw fault_error(fault(errc::not_found, "there is no task '" + id + "'"));
    const auto before = found->state;
    const auto asked = found->spec;
    change(*found);
    if (found->spec != asked) throw std::logic_error("what a task was asked for is fixed");
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
    transaction whole(db_, lasting::with_the_next); // one that comes back is found to be done
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

} // namespace graftline::effects
