/// What a run's agents do to what all worktrees of the repository share: refs, the stash, the list of
/// worktrees.
#pragma once

#include "graftline/effects/run/run.hpp"
#include "graftline/git/rescue/left_work.hpp"

#include <boost/describe.hpp>

#include <string>
#include <vector>

namespace graftline::effects {

/// A commit that somebody else has put on a target while a run went on.
struct foreign_commit {
    std::string target;
    std::string commit;
    std::string author;
    std::string subject;
};
BOOST_DESCRIBE_STRUCT(foreign_commit, (), (target, commit, author, subject))

/// What has changed beside the tasks' own branches, and is no task's as far as git knows.
struct shared_changes {
    std::vector<git::left_work> left;
    std::vector<git::lost_work> lost;
    std::vector<foreign_commit> foreign;
};

/// What a run began from: looked at when it begins, and read back when it is resumed. Kept with the run
/// (`run::began_from`) until its end. What cannot be looked at is said, and nothing is known then.
awaitable<void> note_shared(run& r);

/// Where work of the task's agent lies that its branch does not contain. Faults are said, and no work then.
awaitable<std::vector<git::left_work>> left_by_task(run& r, const task& t);

/// Compares with what the run began from. What came while only one of its tasks was at work is recorded with
/// that task; what nothing else holds any more is kept below a rescue ref. Each finding is said. Nothing for
/// a run without such a beginning. Throws what the store throws.
awaitable<shared_changes> look_at_changes(run& r);

/// For a person, a line each.
std::string words_of(const git::left_work& one);
std::string words_of(const git::lost_work& one);
std::string words_of(const foreign_commit& one);

/// The reason of a task whose branch has nothing, and that left work elsewhere.
std::string reason_for(const std::vector<git::left_work>& left);

} // namespace graftline::effects
