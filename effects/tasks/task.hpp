/// A task: what was asked for, and what became of it.
#pragma once

#include "graftline/effects/tasks/lifecycle.hpp"
#include "graftline/git/rescue/left_work.hpp"
#include "graftline/runtime/base/fault.hpp"

#include <boost/describe.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value_to.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace graftline::effects {

namespace json = boost::json;

enum class land_mode { merge, squash, rebase };
BOOST_DESCRIBE_ENUM(land_mode, merge, squash, rebase)
std::string_view to_string(land_mode mode) noexcept;
/// Invalid, with the modes that there are, for any other name.
result<land_mode> land_mode_named(std::string_view name);

/// What happens to a task that does not merge.
enum class conflict_policy {
    keep, ///< it stays as it is, for a person
    retry ///< an agent gets the conflict in a fresh worktree
};
BOOST_DESCRIBE_ENUM(conflict_policy, keep, retry)

/// One stage of a task: an agent of its own in the task's worktree.
struct stage {
    std::string name;
    std::string agent;
    std::string prompt;   ///< its own, placeholders not yet filled; empty: as its name and the task say
    bool decides = false; ///< it says whether the work is fit to go on
    bool operator==(const stage&) const = default;
};
BOOST_DESCRIBE_STRUCT(stage, (), (name, agent, prompt, decides))
/// Reads also what a version wrote that knew fewer fields. Throws std::invalid_argument.
stage tag_invoke(const json::value_to_tag<stage>&, const json::value& stored);

/// What was asked for; fixed when the task is made, so that a retry or another process can carry it out. The
/// store refuses to change it: programs that are replayed go by it.
struct task_spec {
    std::string description;
    std::string prompt;               ///< what the agent is told; the description where none was given
    std::string agent;                ///< name of the agent; empty for a command given on the command line
    std::vector<std::string> command; ///< that command's words, placeholders not yet filled
    std::string base;                 ///< revision that the worktree starts from; empty: the target's tip
    std::string target;               ///< short branch name; empty when there is none to land on
    std::string into; ///< branch that lands instead of the target, made from it when it is not there
    std::vector<std::string> after; ///< ids of tasks that must have done what was asked first
    std::vector<std::string> files; ///< globs that the task says it will change
    std::vector<stage> stages;
    std::map<std::string, std::string> env;
    json::object metadata;
    std::string plan; ///< plan file given to the agent, absolute
    int priority = 0;
    std::optional<land_mode> land; ///< landed when completed, in this mode
    std::vector<std::vector<std::string>> gates;
    conflict_policy on_conflict = conflict_policy::keep;
    std::optional<std::int64_t> timeout_ms; ///< of all work of its agents, pauses between them included
    std::optional<std::int64_t> attempt_timeout_ms; ///< of one attempt of an agent
    std::optional<std::int64_t> idle_timeout_ms;    ///< an agent that says nothing for so long is ended
    std::int64_t grace_ms = 10'000;
    std::string slug; ///< of the description, as the profile makes them
    std::string branch_template;
    std::string worktree_template;
    bool keep_worktree = false;
    bool by_hand = false; ///< made by `create`: a person works in it, no agent is started until asked

    bool operator==(const task_spec&) const = default;
};
BOOST_DESCRIBE_STRUCT(task_spec, (),
                      (description, prompt, agent, command, base, target, into, after, files, stages, env,
                       metadata, plan, priority, land, gates, on_conflict, timeout_ms, attempt_timeout_ms,
                       idle_timeout_ms, grace_ms, slug, branch_template, worktree_template, keep_worktree,
                       by_hand))

/// Tokens and money, as the agent's own output reported them.
struct token_usage {
    std::int64_t input_tokens = 0;
    std::int64_t output_tokens = 0;
    double cost_usd = 0;
    bool cost_known = false; ///< of all of it; else `cost_usd` is the part that is known
};
BOOST_DESCRIBE_STRUCT(token_usage, (), (input_tokens, output_tokens, cost_usd, cost_known))

/// Both together.
token_usage operator+(token_usage a, const token_usage& b);

/// A task with all that is known of it. A value: what is in the store is changed through the store only.
struct task {
    std::string id;
    std::string key; ///< the plan's id or the ticket in the description; may be empty
    task_spec spec;

    task_state state = task_state::pending;
    std::string reason;  ///< why it is in this state; empty when there is nothing to say
    std::string earlier; ///< why the attempt before the present one ended
    std::string run;     ///< the run that carries it out, or did last
    std::string
        owner; ///< the run that works on it at this moment; nobody else touches it while that run lives
    std::string branch;          ///< short name; empty until the worktree is made
    std::string base;            ///< commit that the branch started from
    std::string worktree;        ///< absolute path; empty when there is none
    bool worktree_ready = false; ///< its checkout is finished: only then does what lies in it count as work
    std::string commit;          ///< tip of the branch; empty when the task has no commit of its own
    std::string landed;          ///< commit on the target
    std::string landed_on;       ///< what that commit was put on: undoing goes back to it
    std::string landed_target; ///< branch that it was last put on, or tried on; empty: it has not been tried
    std::string undone;  ///< commit that reverted it; `landed` is then in the history, but not in the files
    int resolutions = 0; ///< how often an agent was given its conflict with the target
    /// A gate failed on the merged tree, or nobody decided whether the work is fit: it is there, and may be
    /// landed.
    bool rejected = false;
    bool cancel_asked = false;
    std::optional<int> exit_code;
    std::optional<int> signal;
    std::vector<std::string> conflicts;
    std::vector<std::string> rescues; ///< refs that hold what was removed with a worktree
    std::vector<std::string> files;   ///< paths changed against the base
    std::vector<git::left_work> left; ///< work of its agents that its branch does not contain
    std::string created_at;           ///< UTC, ISO 8601; empty when it has not happened, like the next two
    std::string started_at;
    std::string finished_at;
    int attempts = 0;
    int port_base = 0;
    std::optional<token_usage> usage;
    std::string log;         ///< the present attempt's standard output
    std::string attempt;     ///< the present attempt's folder
    std::string attempt_for; ///< run and path of the effect that it belongs to
    int lost_attempts = 0;   ///< of that effect: agents that a crash took along
    /// The boot of the machine, and the mount of its worktree's disk, that the present attempt began in, or
    /// may have begun (disk_session.hpp); empty once it has ended and what it made is on the disk.
    std::string attempt_boot;
};
BOOST_DESCRIBE_STRUCT(task, (),
                      (id, key, spec, state, reason, earlier, run, owner, branch, base, worktree,
                       worktree_ready, commit, landed, landed_on, landed_target, undone, resolutions,
                       rejected, cancel_asked, exit_code, signal, conflicts, rescues, files, left, created_at,
                       started_at, finished_at, attempts, port_base, usage, log, attempt, attempt_for,
                       lost_attempts, attempt_boot))

/// The branch that it is on, or was last tried on; before that, the one that it was asked to land on.
const std::string& target_of(const task& t);

/// What users and programs read, in the schema that the interface promises.
json::object to_public_json(const task& t);

/// The first line of the description, at most `limit` bytes, cut between characters.
std::string title(const task& t, std::size_t limit = 72);

/// It is known who carries it out: not so for a task made by hand, or found again without its record.
bool has_agent(const task_spec& asked);

/// Whom the task, or one of its stages with an agent of its own, is carried out by: an agent's name, or the
/// program of a command. What is known of a service is known by this name.
std::string agent_name_of(const task_spec& asked, const std::string& of_stage);

std::vector<std::string> ids_of(const std::vector<task>& tasks);

/// Seconds between two times as they stand in a task; 0 when either is missing.
double seconds_between(const std::string& from, const std::string& to);

/// The present time as it stands in a task.
std::string now_text();

} // namespace graftline::effects
