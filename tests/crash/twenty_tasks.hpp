/// A run of twenty tasks with one right end, whatever happens to graftline meanwhile.
#pragma once

#include "graftline/runtime/process/child.hpp"
#include "graftline/runtime/process/control_group.hpp"

#include <boost/asio/io_context.hpp>

#include "tests/support/test_repository.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace graftline::test {

/// What a run left behind. Tasks go by their descriptions: ids are random.
struct run_end {
    std::map<std::string, std::string> states;
    std::map<std::string, std::string> reasons;
    std::map<std::string, int> landings; ///< first-parent commits of main that name the task
    std::set<std::string> rescued;       ///< kept, and their worktrees' contents are in rescues
    std::string tree;                    ///< of main
    std::vector<std::string> wrong;      ///< lost work, and what should have been removed

    std::string told() const;
};

/// The repository from which every run starts afresh, and the agent.
class twenty_tasks {
public:
    twenty_tasks();

    const std::filesystem::path& root() const { return root_.path(); }
    std::filesystem::path plan() const { return root() / "plan.json"; }

private:
    temporary_folder root_;
};

struct program_end {
    int status; ///< as a shell sees it
    std::string out;
    std::string err;
};

/// One run on a copy of its own.
class one_run {
public:
    explicit one_run(const twenty_tasks& of);

    std::filesystem::path top() const { return folder_.path() / "repo"; }
    const std::filesystem::path& folder() const { return folder_.path(); }

    /// From now on a kill takes everything along that graftline has started: agents, supervisors, git. As
    /// when a container ends or the power goes. False where the system gives us no control group.
    bool dies_as_a_whole();

    /// Words of the command that begins the run.
    std::vector<std::string> first_words() const;
    /// Runs graftline to its end, or kills it after a time. `extra`: environment, "NAME=value".
    program_end graftline(std::vector<std::string> words, std::vector<std::string> extra = {},
                          std::optional<std::chrono::milliseconds> kill_after = {});
    /// Any program, in the same way.
    program_end start(std::vector<std::string> words, std::vector<std::string> extra = {},
                      std::optional<std::chrono::milliseconds> kill_after = {});
    /// Runs graftline and kills it once `when()`, looked at again and again; it may have ended before.
    program_end killed_once(const std::function<bool()>& when, std::vector<std::string> words);
    /// The newest record of its journal, without what differs from run to run; empty when there is none.
    std::string last_record();
    /// Goes on until nothing is interrupted any more, cleans, and tells what there is then.
    run_end finish();

private:
    using kill_it = std::function<bool(child&)>; ///< waits for its time; false when the process has ended
    program_end start_and_kill(std::vector<std::string> words, std::vector<std::string> extra,
                               const kill_it& in_time);
    void look_at_tasks(run_end& end);
    void look_for_lost_work(run_end& end);
    void look_for_leftovers(run_end& end);
    std::string git(std::vector<std::string> words);

    const twenty_tasks& of_;
    temporary_folder folder_;
    std::optional<control_group> group_;
    bool of_git_too_ = false; ///< what is killed
    std::string base_;
};

/// The environment that lets the program be killed at, or its disk fail from, a write of the database.
std::vector<std::string> with_failing_writes(std::vector<std::string> how);

} // namespace graftline::test
