/// The time of a task in the commands that are run for it: set-up commands, gits with their hooks, filters
/// and signers.
#pragma once

#include "graftline/effects/run/run.hpp"
#include "graftline/runtime/process/command_time.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace graftline::effects {

/// While it lives, commands that work in the task's worktree, or move its branch, are ended when the task's
/// time is over, and the run's observer is told of those that take long. Borrows the run.
class task_time {
public:
    /// `left_ms`: what is left of the task's time; 0: it has no limit.
    task_time(run& r, const std::string& task, std::int64_t left_ms);

    /// Where the task's commands work from now on, and its branch (short name).
    void covers(const std::string& worktree, const std::string& branch);

    std::int64_t spent_ms() const;
    /// `why`, in which it is said when the task's time is what was over.
    fault explained(fault why) const;

private:
    struct place {
        std::string worktree;
        std::string branch;
        bool has(const command& what) const;
    };
    command_times::clock::time_point begun_ = command_times::clock::now();
    command_times::clock::time_point end_ = command_times::clock::time_point::max();
    std::shared_ptr<place> place_ = std::make_shared<place>();
    command_times::lease limit_;
    command_times::lease heard_;
};

/// As long as the result lives, the observer is told for each of `tasks` what they wait for when a command
/// that `is_meant` takes long: "landing waits for the hook reference-transaction, 20 s". Borrows the run.
command_times::lease tell_of_slow(run& r, std::vector<std::string> tasks, command_times::predicate is_meant,
                                  std::string who = {});

} // namespace graftline::effects
