#include "graftline/effects/operations/rebuild_store.hpp"

#include "graftline/effects/run/run.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/base/clock.hpp"
#include "graftline/runtime/base/json_text.hpp"
#include "graftline/runtime/files/file_lock.hpp"
#include "graftline/runtime/supervisor/attempt_files.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <tuple>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view mark = "graftline "; // begins the reason of a worktree's lock; the task follows
constexpr std::string_view rescues = "refs/graftline/rescue/";

/// The names of the folders in `folder`.
std::vector<std::string> folders_in(const fs::path& folder)
{
    std::vector<std::string> names;
    std::error_code failed;
    for (fs::directory_iterator at(folder, failed), end; !failed && at != end; at.increment(failed))
        if (at->is_directory(failed)) names.push_back(at->path().filename().string());
    std::ranges::sort(names);
    return names;
}

std::string text_in(const fs::path& file)
{
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

json::object object_in(const fs::path& file)
{
    auto value = parse_json(bytes_of(text_in(file)));
    return value && value->is_object() ? std::move(value->get_object()) : json::object();
}

std::string text_at(const json::object& o, std::string_view key)
{
    const auto* text = o.if_contains(key);
    return text && text->is_string() ? std::string(text->get_string()) : std::string();
}

/// Gathers what each source knows; later ones add to earlier ones.
class findings {
public:
    findings(project& in, std::string why) : in_(in), why_(std::move(why)) {}

    awaitable<result<std::vector<task>>> gather()
    {
        look_at_run_files();
        look_at_folders();
        if (auto seen = co_await look_at_worktrees(); !seen) co_return seen.error();
        if (auto seen = co_await look_at_rescues(); !seen) co_return seen.error();
        if (auto seen = co_await look_at_branches(); !seen) co_return seen.error();
        if (auto seen = co_await look_at_history(); !seen) co_return seen.error();
        std::vector<task> all;
        for (auto& [id, t] : tasks_)
            all.push_back(conclude(std::move(t)));
        std::ranges::sort(all, {}, [](const task& t) { return std::tie(t.created_at, t.id); });
        co_return all;
    }

private:
    task& of(const std::string& id)
    {
        auto& t = tasks_[id];
        t.id = id;
        return t;
    }

    /// What runs were asked for that have not come to their end.
    void look_at_run_files()
    {
        std::error_code failed;
        for (fs::directory_iterator at(in_.state_folder() / "runs", failed), end; !failed && at != end;
             at.increment(failed)) {
            if (at->path().extension() != ".tasks") continue;
            for (auto& t : run::tasks_in_file(at->path())) {
                t.owner.clear();
                asked_.insert(t.id);
                tasks_.insert_or_assign(t.id, std::move(t));
            }
        }
    }

    /// Logs, and the copies of the state that other tools read.
    void look_at_folders()
    {
        for (const auto& id : folders_in(in_.state_folder() / "tasks")) {
            const auto view = object_in(in_.state_folder() / "tasks" / id / "task_state.json");
            if (text_at(view, "task_id") != id) continue;
            auto& t = of(id);
            t.branch = text_at(view, "branch_name");
            t.created_at = text_at(view, "created_at");
            if (const auto state = state_named(text_at(view, "status"))) said_[id] = *state;
            const auto* metadata = view.if_contains("metadata");
            if (!metadata || !metadata->is_object()) continue;
            if (asked_.contains(id)) continue; // known in full
            t.spec.description = text_at(metadata->get_object(), "description");
            t.spec.agent = text_at(metadata->get_object(), "agent");
        }
        for (const auto& id : folders_in(in_.state_folder() / "logs")) {
            auto& t = of(id);
            fs::file_time_type newest = fs::file_time_type::min();
            for (const auto& name : folders_in(in_.log_folder(id))) {
                if (name.front() < '0' || name.front() > '9') continue; // a gate's
                const auto attempt = in_.log_folder(id) / name;
                if (t.attempts++ == 0 && !asked_.contains(id)) take_prompt(t, attempt);
                const auto held = file_lock::is_held(attempt / attempt::lock_name);
                if (held && *held) living_.insert(id);
                std::error_code failed;
                const auto when =
                    held && *held ? fs::file_time_type::max() : fs::last_write_time(attempt, failed);
                if (failed || when < newest) continue;
                newest = when;
                t.attempt = attempt.string();
                t.log = (attempt / "stdout.log").string();
            }
        }
    }

    /// What the user asked for stands first in what the first agent was told.
    static void take_prompt(task& t, const fs::path& attempt)
    {
        t.spec.prompt = text_in(attempt / "prompt.txt");
        t.spec.prompt.erase(std::min(t.spec.prompt.size(), t.spec.prompt.find("\n## Where you work\n")));
        const auto first_line = t.spec.prompt.substr(0, t.spec.prompt.find('\n'));
        if (t.spec.description.empty()) t.spec.description = first_line;
    }

    awaitable<result<void>> look_at_worktrees()
    {
        const auto listed = co_await git::list_worktrees(in_.repository());
        if (!listed) co_return listed.error();
        for (const auto& w : *listed) {
            if (!w.lock_reason.starts_with(mark)) continue;
            const auto id = w.lock_reason.substr(mark.size());
            if (id.starts_with("gate-")) continue; // a gate's, not a task's
            auto& t = of(id);
            t.worktree = w.path.string();
            if (w.branch && w.branch->starts_with("refs/heads/")) t.branch = w.branch->substr(11);
            // Without an index its checkout was never finished.
            const auto record = git::git_dir_of(in_.repository(), w.path);
            std::error_code ignored;
            t.worktree_ready = record && *record && fs::exists(**record / "index", ignored);
        }
        co_return result<void>();
    }

    awaitable<result<void>> look_at_rescues()
    {
        const auto refs =
            co_await in_.repository().ask("for-each-ref", "--format=%(refname)", std::string(rescues));
        if (!refs) co_return refs.error();
        for (const auto& ref : git::records_of(*refs, '\n')) {
            const auto rest = ref.substr(std::min(ref.size(), rescues.size()));
            const auto end = rest.find('/');
            if (rest.starts_with("run-")) continue; // what a run has kept that was no task's
            if (end != rest.npos && rest.find('.') == rest.npos)
                of(rest.substr(0, end)).rescues.push_back(ref);
        }
        co_return result<void>();
    }

    /// Which task a branch is of: its tip says so, or its name ends with an id that is known.
    awaitable<result<void>> look_at_branches()
    {
        constexpr const char* format = "--format=%(refname:short)%09%(objectname)";
        constexpr const char* with_tasks = "%09%(trailers:key=Task,valueonly,separator=%2C)";
        auto refs =
            co_await in_.repository().ask("for-each-ref", std::string(format) + with_tasks, "refs/heads/");
        // One of them may be damaged: then by their names alone.
        if (!refs) refs = co_await in_.repository().ask("for-each-ref", format, "refs/heads/");
        if (!refs) co_return refs.error();
        for (const auto& line : git::records_of(*refs, '\n')) {
            const auto fields = git::records_of(line, '\t');
            if (fields.size() < 2) continue;
            const auto& name = fields[0];
            std::string id = fields.size() > 2 ? fields[2].substr(0, fields[2].find(',')) : "";
            // The target's tip names the task that landed last: its name must fit too.
            if (!id.empty() && !name.ends_with(id) && (!tasks_.contains(id) || tasks_[id].branch != name))
                id.clear();
            for (const auto& [known, t] : tasks_)
                if (t.branch == name || name.ends_with("-" + known)) id = known;
            if (id.empty()) continue;
            auto& t = of(id);
            t.branch = name;
            t.commit = fields[1];
            // Committed by us: its agent had done its work.
            if (fields.size() > 2 && fields[2].substr(0, fields[2].find(',')) == id) done_.insert(id);
        }
        co_return result<void>();
    }

    /// Where tasks' landings are in the history of the branch that they land on, and where they began.
    awaitable<result<void>> look_at_history()
    {
        auto& repo = in_.repository();
        auto target = in_.settings().run.target.value_or("");
        if (target.empty()) {
            const auto head = co_await git::head_branch(repo);
            if (!head) co_return head.error();
            target = head->value_or("");
        }
        const auto tip = target.empty() ? result<std::optional<git::oid>>(std::nullopt)
                                        : co_await git::read_ref(repo, "refs/heads/" + target);
        if (!tip) co_return tip.error();
        if (!*tip) co_return result<void>();
        const auto log = co_await repo.ask(
            "log", "--first-parent", "--format=%H%x09%cI%x09%(trailers:key=Task,valueonly,separator=%x2C)",
            (*tip)->hex(), "--");
        if (!log) co_return log.error();
        for (const auto& line : git::records_of(*log, '\n')) {
            const auto fields = git::records_of(line, '\t');
            if (fields.size() < 3 || fields[2].empty()) continue;
            auto& t = of(fields[2].substr(0, fields[2].find(',')));
            if (!t.landed.empty()) continue; // the newest counts
            t.landed = fields[0];
            t.finished_at = fields[1];
        }
        for (auto& [id, t] : tasks_) {
            if (!asked_.contains(id)) t.spec.target = target;
            if (t.commit.empty()) continue;
            const auto bases = co_await git::merge_bases(repo, **tip, git::oid(t.commit));
            if (!bases) { // its commit cannot be read
                t.commit.clear();
                continue;
            }
            if (!bases->empty()) t.base = bases->front().hex();
            if (t.base == t.commit && t.landed.empty()) t.commit.clear(); // it has none of its own
        }
        co_return result<void>();
    }

    /// By its last commit, the last copy of its state, or the end of its last agent.
    bool had_ended_well(const task& t) const
    {
        const auto said = said_.find(t.id);
        if (done_.contains(t.id) || (said != said_.end() && said->second == task_state::completed))
            return true;
        if (t.attempt.empty()) return false;
        const auto ended = read_exit_record(t.attempt);
        return ended && *ended && (*ended)->how == ending::exited && (*ended)->code == 0;
    }

    task conclude(task t) const
    {
        if (t.spec.description.empty()) t.spec.description = t.branch.empty() ? "task " + t.id : t.branch;
        if (t.spec.prompt.empty()) t.spec.prompt = t.spec.description;
        const auto said = said_.find(t.id);
        if (!t.landed.empty())
            t.state = task_state::merged;
        else if (said != said_.end() && is_over(said->second))
            t.state = said->second;
        else if (living_.contains(t.id))
            t.state = task_state::running;
        else if (asked_.contains(t.id) && t.worktree.empty() && t.commit.empty() && t.attempts == 0)
            t.state = task_state::pending; // it had not begun
        else
            t.state = !t.commit.empty() && had_ended_well(t) ? task_state::completed : task_state::failed;
        t.reason = why_;
        if (t.state == task_state::running)
            t.reason += "; its agent still runs, and belongs to no run any more";
        if (const auto who = read_identity(t.attempt); who && *who)
            t.started_at = to_iso8601((*who)->started_at);
        if (t.finished_at.empty() && t.state != task_state::running && t.state != task_state::pending)
            t.finished_at = now_text();
        if (t.created_at.empty()) t.created_at = t.started_at.empty() ? now_text() : t.started_at;
        return t;
    }

    project& in_;
    std::string why_; ///< it had to be found again
    std::map<std::string, task> tasks_;
    std::map<std::string, task_state> said_;
    std::set<std::string> asked_;  ///< tasks that a run's own file tells of
    std::set<std::string> done_;   ///< tasks whose branch ends with a commit of ours
    std::set<std::string> living_; ///< tasks whose agent has its supervisor
};

/// Another process would go on writing into what is set aside.
result<void> check_nobody_is_here(const project& in)
{
    std::error_code failed;
    for (fs::directory_iterator at(in.state_folder() / "runs", failed), end; !failed && at != end;
         at.increment(failed)) {
        const auto held = file_lock::is_held(at->path());
        if (held && *held)
            return fault(errc::busy, "the state database is damaged, and a run still uses it")
                .with("run", at->path().stem().string())
                .advise("Wait for its end, then try again.");
    }
    return {};
}

} // namespace

awaitable<result<std::optional<store::replacement>>> rebuild_store(std::shared_ptr<project> in)
{
    const auto folder = in->state_folder();
    auto look = [folder] { return store::is_there(folder) && store::is_damaged(folder); };
    if (!co_await offload(look)) co_return std::nullopt;
    // Another process may do the same at this moment.
    file_lock one(co_await asio::this_coro::executor, folder / "rebuild.lock");
    const auto alone_here = co_await one.acquire();
    if (!alone_here) co_return alone_here.error();
    if (!co_await offload(look)) co_return std::nullopt;
    if (auto alone = check_nobody_is_here(*in); !alone) co_return alone.error();
    std::error_code ignored;
    const bool gone = !std::filesystem::exists(folder / "state.db", ignored);
    auto tasks = co_await findings(*in, std::string("recovered from the repository: the database was ") +
                                            (gone ? "gone" : "damaged"))
                     .gather();
    if (!tasks) co_return tasks.error();
    auto replaced = co_await in->replace_state(std::move(*tasks));
    if (!replaced) co_return replaced.error();
    co_return std::move(*replaced);
}

} // namespace graftline::effects
