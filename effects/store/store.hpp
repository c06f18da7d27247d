/// The truth about tasks and runs: a SQLite database under the git common directory.
#pragma once

#include "graftline/effects/journal/journal_record.hpp"
#include "graftline/effects/tasks/task.hpp"
#include "graftline/runtime/base/clock.hpp"

#include <boost/json/value.hpp>

#include <functional>
#include <initializer_list>
#include <set>
#include <string>
#include <vector>

namespace graftline::effects {

/// One invocation, and who carries it out.
struct run_record {
    std::string id;
    std::int64_t number = 0;        ///< given by the store: what the journal calls it
    std::string program;            ///< run, retry, land
    int revision = 0;               ///< of that program, as what it asks for in its journal depends on it
    std::string version;            ///< of the graftline that began it
    json::object arguments;         ///< what it was told, without prompts and environments
    json::object configuration;     ///< the files that it was configured by, as they were
    std::vector<std::string> tasks; ///< ids, in the order given: their places in the tree of effects
    std::string target;
    std::int64_t pid = 0;    ///< of the process that carries it out, or did last
    std::string owned_since; ///< when that process began with it
    std::string started_at;
    std::string finished_at; ///< empty while it goes on, and for ever when its process died
    std::string outcome;     ///< done, interrupted; damaged: its journal was lost, it cannot be gone on with
};
BOOST_DESCRIBE_STRUCT(run_record, (),
                      (id, number, program, revision, version, arguments, configuration, tasks, target, pid,
                       owned_since, started_at, finished_at, outcome))

/// An effect as the journal has it, all its records together.
struct effect_record {
    std::string run;
    std::string path; ///< its place in the tree of effects, for example 0.3.1
    std::string kind;
    std::string arguments; ///< JSON
    std::string state;     ///< requested, started, done, failed
    std::string outcome;   ///< JSON: the result, or the fault
    std::string started_at;
    std::string resolved_at;
};

/// A row that does not read back.
struct unreadable_row {
    std::string table; ///< tasks, runs
    std::string id;    ///< of the task or run
    fault why;
};

/// Blocking, one thread at a time: use it through `project::stored`. Every method is one transaction and
/// throws fault_error when the database cannot be read or written; nothing is half done then.
class store {
public:
    /// Opens `folder`/state.db, creating both (readable by the user alone) and migrating an older schema. A
    /// schema from a newer version is unusable, said with both numbers. What is read back is checked: a row
    /// that is not as it was written is corrupt, named with its table; so is a database that is gone, or
    /// empty, while logs or worktrees of tasks are there, and one that has lost its latest changes.
    explicit store(const std::filesystem::path& folder,
                   database::commits how = database::commits::survive_processes);

    /// True when there is a database to open, or what tasks leave tells that there was one: reading commands
    /// make none.
    static bool is_there(const std::filesystem::path& folder);

    /// All or none. An id that is taken is `exists`.
    void add(const std::vector<task>& tasks);
    void add(const task& t) { add(std::vector{t}); }
    /// Takes a task out that nothing was made for.
    void forget(const std::string& id);
    std::optional<task> find(const std::string& id);
    /// Told of the rows that do not read back, which are then left out; without it their fault is thrown.
    using if_unreadable = std::function<void(unreadable_row&&)>;
    /// All tasks, oldest first; `tasks_of` those of one run.
    std::vector<task> tasks(const if_unreadable& bad = {});
    std::vector<task> tasks_of(const std::string& run);
    /// Those in one of these states, those that are not over, those that a run works on, or any run, oldest
    /// first: costs what they are, however many others there are. So do all that follow, down to
    /// `set_intents`.
    std::vector<task> tasks_in(const std::vector<task_state>& states);
    std::vector<task> tasks_not_over();
    std::vector<task> tasks_owned_by(const std::string& run);
    std::vector<task> owned_tasks();
    bool has(const std::string& id);
    /// The task whose id, unique prefix of an id, or key is `handle`; of several with one key the newest that
    /// is not over, else the newest. not_found or, with the candidates, invalid.
    task resolve(const std::string& handle);
    /// Reads the task, lets `change` edit it and writes it back. Refused when its state made a step that the
    /// table of transitions does not have. Returns it as written. `change` must leave the spec as it is:
    /// std::logic_error. `when`: with the next only for what promises nothing, and is as if it had not
    /// happened when a power cut takes it.
    task change(const std::string& id, const std::function<void(task&)>& change,
                lasting when = lasting::at_once);
    /// What came of several landings: changes each task as `change` does and clears its intent. All or none.
    /// Returns them as written.
    std::vector<task>
    settle_landings(const std::vector<std::pair<std::string, std::function<void(task&)>>>& by_task);

    /// The first ports of the blocks that running tasks have, `besides` left out.
    std::set<int> ports_given(const std::string& besides);
    /// Gives a task a block of ports. False, and nothing is changed, when another running task has it.
    bool give_ports(const std::string& id, int first);

    /// Calls `view` with the tasks that changed since this was done last, oldest first, and how many there
    /// are in all; they count as viewed once it returns. One at a time, of all processes.
    void view_changed(const std::function<void(const std::vector<task>&, std::size_t)>& view);

    /// What a landing is about to do to a checkout, until it is done or recovered: JSON, by task.
    void set_intents(const std::vector<std::pair<std::string, std::string>>& by_task);
    void clear_intent(const std::string& task);
    std::vector<std::pair<std::string, std::string>> intents();

    /// Gives the run its number, and records in the journal that it begins. `fresh`: tasks that are added
    /// with it, all or none. Errors: as those of adding tasks.
    run_record add(run_record run, const std::vector<task>& fresh = {});
    /// Another process carries it on.
    void resume_run(const std::string& id, std::int64_t pid);
    void finish_run(const std::string& id, const std::string& outcome);
    std::vector<run_record> runs(const if_unreadable& bad = {});
    /// Those that have not come to their end, oldest first.
    std::vector<run_record> runs_not_done();
    /// Throws corrupt when one of them does not read back.
    void check_runs();
    /// not_found, with the advice to look.
    run_record find_run(const std::string& id);

    /// Calls `each` with the journal's records after `after`, in order, until it returns false; of one run,
    /// by its number, or of all. One that does not read back is told to `bad`; without it, its fault is
    /// thrown.
    void read_journal(std::int64_t after, std::optional<std::int64_t> run,
                      const std::function<bool(journal_record&&)>& each,
                      const journal_reader::if_bad& bad = {});
    std::vector<effect_record> effects_of(const std::string& run);
    /// Runs whose journal nobody will need: the last record is from before `time`, every task of theirs is
    /// over and nobody's, and `goes_on` says no. Oldest first.
    std::vector<run_record> runs_with_old_journal(utc_time time,
                                                  const std::function<bool(const run_record&)>& goes_on);
    /// Removes their journal, with the files beside it, and leaves the runs themselves. Result: those that
    /// were removed.
    std::vector<run_record> forget_old_journals(utc_time time,
                                                const std::function<bool(const run_record&)>& goes_on);

    /// Reads the whole database, as SQLite checks it and row by row: true when something in it is damaged.
    /// Takes its time.
    static bool is_damaged(const std::filesystem::path& folder);

    /// What a damaged database was replaced by.
    struct replacement {
        std::filesystem::path aside;  ///< where the old one lies now
        std::size_t kept = 0;         ///< tasks that are as they were
        std::size_t found = 0;        ///< tasks that others told of
        std::vector<std::string> bad; ///< rows that were not whole: table and id
        bool all_read = false;        ///< every task's row could be looked at
        bool went_back = false;       ///< whole, but without its latest changes
    };
    /// Makes a new database with every row of the damaged one that is whole, and those of `found` that it
    /// lacks; where it has lost its latest changes, rows of tasks that were not over give way to what `found`
    /// tells of them. Then moves the old one, with what belongs to it, out of the way
    /// (state.db.corrupt-<time>) and puts the new one in its place. Nothing has changed when it throws before
    /// that.
    static replacement replace(const std::filesystem::path& folder, std::vector<task> found);

private:
    /// To be used, or to take whole rows out of: a damaged one might not bear being migrated.
    enum class opened { to_be_used, to_be_replaced };
    store(const std::filesystem::path& folder, database::commits how, const class opening_turn&,
          opened as = opened::to_be_used);
    std::int64_t version();
    void migrate();
    void add_checksums();
    void add_search_columns();
    static void pass_over(const statement& row, const char* table, const if_unreadable& bad,
                          const std::function<void()>& read);
    task read_task(const statement& row) const;
    std::optional<task> read(statement& row) const;
    run_record read_run(const statement& row) const;
    void write(const task& t);
    replacement take_over(store& old);
    /// Puts a new database that is whole, state.db.new, in its place; one that a kill kept from there too.
    /// Does nothing without it. Result: where the old one lies.
    static std::filesystem::path end_replacing(const std::filesystem::path& folder);
    void end_what_cannot_go_on(bool all_journal);
    void insert(const std::vector<task>& tasks);
    task change_here(const std::string& id, const std::function<void(task&)>& change);
    void write_run(const run_record& run);
    /// To the journal: a task or a run is in another state.
    void note(journal_event event, const std::string& run, const std::string& path, std::string_view state,
              std::string body = {});
    void migrate_effects();

    std::filesystem::path folder_;
    database db_;
    bool went_back_ = false; ///< what its mark tells of has gone
};

} // namespace graftline::effects
