/// Which tasks will conflict when they land, seen before they do.
#pragma once

#include "graftline/effects/store/project.hpp"
#include "graftline/effects/tasks/task.hpp"
#include "graftline/git/merge/merge.hpp"
#include "graftline/git/worktree/present_work.hpp"

#include <cstddef>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace graftline::effects {

/// Two tasks, or a task and its target, that do not merge.
struct overlap {
    std::string a;                  ///< a task's id
    std::string b;                  ///< the other's; empty: the target itself
    std::string target;             ///< where both are to land; may be empty
    std::vector<std::string> paths; ///< in which they meet, sorted
    std::vector<std::string> kinds; ///< of each path: "contents", "add/add" ...
    friend bool operator==(const overlap&, const overlap&) = default;
};
BOOST_DESCRIBE_STRUCT(overlap, (), (a, b, target, paths, kinds))

/// What a look at all tasks gave.
struct forecast {
    std::vector<overlap> overlaps; ///< in the order of the tasks
    std::size_t tasks = 0;         ///< that were looked at
    std::size_t pairs = 0;         ///< of tasks, and of a task and its target
    std::size_t merges = 0;        ///< that were not known from the look before
    double milliseconds = 0;
    std::vector<std::string> not_checked; ///< "task: why"
};

/// True for a task that has work to meet others with: a worktree or a branch, and it is not over.
bool is_live(const task& t);

/// Keeps what it has seen, so that the next look costs a `git status` for each worktree and a merge for each
/// pair in which something has changed. Lives on one strand; borrows the project. What it makes lies in
/// scratch folders that go with it.
class radar {
public:
    /// `at_once`: how many worktrees are looked at at the same time.
    explicit radar(project& in, std::size_t at_once = 1) : project_(in), at_once_(at_once) {}

    /// Merges all pairs of `tasks` with the same target, and each with its target, as they are at this
    /// moment: uncommitted and untracked work included. A task that is not live is passed over; one that
    /// cannot be looked at is named in `not_checked`. Nothing is changed, nothing runs that the repository's
    /// configuration names. Errors: those of starting git and of the disk. Cancellation: terminal; a job of
    /// at most `pairs_a_job` merges ends first.
    awaitable<result<forecast>> look(std::vector<task> tasks);

    static constexpr std::size_t pairs_a_job = 512;

private:
    struct side {
        task of;
        git::oid commit;
    };
    using pair_key = std::pair<git::oid, git::oid>;
    using conflicts = std::vector<git::merge_conflict>;
    using touched = std::map<std::string, std::vector<std::string>>;

    awaitable<result<std::vector<side>>> see(std::vector<task> tasks, forecast& into);
    awaitable<result<git::oid>> see(task t, const git::filter_drivers& filters, forecast& into);
    awaitable<std::map<std::string, git::oid>> targets_of(const std::vector<side>& sides, forecast& into);
    awaitable<void> merge(std::vector<pair_key> wanted);
    awaitable<result<std::vector<std::string>>> touched_by(const side& one);
    awaitable<overlap> without_the_targets(overlap found, const side& a, const side& b,
                                           const std::map<std::string, git::oid>& targets);

    project& project_;
    std::size_t at_once_;
    std::map<std::string, git::present_work> seen_;                                // by task
    std::map<pair_key, result<conflicts>> known_;                                  // by what was merged
    std::map<std::string, std::pair<git::oid, std::vector<std::string>>> touched_; // by task
};

/// One look at `tasks`, with nothing known from before. Errors and cancellation: as for `radar::look`.
awaitable<result<forecast>> forecast_conflicts(project& in, std::vector<task> tasks);

/// "3fa9 and 81bb will conflict in src/a.c and 2 more files".
std::string to_sentence(const overlap& found);

} // namespace graftline::effects
