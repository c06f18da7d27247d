/// The truth about tasks and runs: a SQLite database under the git common directory.
#pragma once

#include "graftline/effects/sqlite.hpp"
#include "graftline/effects/task.hpp"

#include <boost/json/value.hpp>

#include <functional>
#include <vector>

namespace graftline::effects {

/// One invocation, and who carries it out.
struct run_record {
    std::string id;
    std::string program;    ///< run, retry, land
    json::object arguments; ///< what it was told, without prompts and environments
    std::string target;
    std::int64_t pid = 0;
    std::string started_at;
    std::string finished_at; ///< empty while it goes on, and for ever when its process died
    std::string outcome;     ///< done, interrupted
};
BOOST_DESCRIBE_STRUCT(run_record, (), (id, program, arguments, target, pid, started_at, finished_at, outcome))

/// An effect as the journal has it.
struct effect_record {
    std::string run;
    std::string path; ///< its place in the tree of effects, for example 0.3.1
    std::string kind;
    std::string arguments; ///< JSON
    std::string state;     ///< started, done, failed
    std::string outcome;   ///< JSON: the result, or the fault
    std::string started_at;
    std::string resolved_at;
};

/// Blocking, one thread at a time: use it through `project::stored`. Every method is one transaction and
/// throws fault_error when the database cannot be read or written; nothing is half done then.
class store {
public:
    /// Opens `folder`/state.db, creating both (readable by the user alone) and migrating an older schema. A
    /// schema from a newer version is unusable, said with both numbers.
    explicit store(const std::filesystem::path& folder);

    /// True when there is a database to open: reading commands make none.
    static bool is_there(const std::filesystem::path& folder);

    /// All or none. An id that is taken is `exists`.
    void add(const std::vector<task>& tasks);
    void add(const task& t) { add(std::vector{t}); }
    /// Takes a task out that nothing was made for.
    void forget(const std::string& id);
    std::optional<task> find(const std::string& id);
    /// All tasks, oldest first; `tasks_of` those of one run.
    std::vector<task> tasks();
    std::vector<task> tasks_of(const std::string& run);
    /// The task whose id, unique prefix of an id, or key is `handle`; of several with one key the newest that
    /// is not over, else the newest. not_found or, with the candidates, invalid.
    task resolve(const std::string& handle);
    /// Reads the task, lets `change` edit it and writes it back. Refused when its state made a step that the
    /// table of transitions does not have. Returns it as written.
    task change(const std::string& id, const std::function<void(task&)>& change);

    /// As `change`, with all tasks as they stand in the same transaction.
    task change_among(const std::string& id,
                      const std::function<void(task&, const std::vector<task>&)>& change);

    /// What a landing is about to do to a checkout, until it is done or recovered: JSON, by task.
    void set_intents(const std::vector<std::pair<std::string, std::string>>& by_task);
    void clear_intent(const std::string& task);
    std::vector<std::pair<std::string, std::string>> intents();

    void add(const run_record& run);
    void finish_run(const std::string& id, const std::string& outcome);
    std::vector<run_record> runs();

    void effect_started(const effect_record& e);
    void effect_resolved(const std::string& run, const std::string& path, bool done,
                         const std::string& outcome);
    std::vector<effect_record> effects_of(const std::string& run);

private:
    store(const std::filesystem::path& folder, const class opening_turn&);
    void migrate();
    std::optional<task> read(statement& row);
    void write(const task& t);
    task change_here(const std::string& id, const std::function<void(task&)>& change);

    database db_;
};

} // namespace graftline::effects
