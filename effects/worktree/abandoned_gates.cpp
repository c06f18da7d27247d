#include "graftline/effects/worktree/abandoned_gates.hpp"

#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/effects/landing/gate_name.hpp"
#include "graftline/effects/run/run.hpp"
#include "graftline/effects/worktree/save_work.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/worktree/folder.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/async/offload.hpp"

#include <set>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> entries_of(const fs::path& folder)
{
    std::vector<fs::path> all;
    std::error_code failed;
    for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed))
        all.push_back(entry->path());
    return all;
}

/// The names of the worktrees there that git knows, also of those whose folder is gone.
std::set<std::string> worktrees_in(project& in, const fs::path& folder)
{
    std::set<std::string> names;
    std::error_code ignored;
    const auto named_by_git = fs::weakly_canonical(folder, ignored);
    const auto records = git::worktree_git_dirs(in.repository());
    if (!records) return names;
    for (const auto& record : *records)
        if (const auto top = git::work_tree_of(in.repository(), record);
            top && top->parent_path() == named_by_git)
            names.insert(top->filename());
    return names;
}

/// Ends the commands of these gates, all at once: whoever ignores TERM is waited for beside the others. They
/// lie in their tasks' logs, which only their names lead to: "<name of the gate>-<number of its command>".
awaitable<void> end_gates(const project& in, std::set<std::string> gates)
{
    std::vector<fs::path> attempts;
    auto look = [&] {
        for (const auto& task_logs : entries_of(in.state_folder() / "logs"))
            for (const auto& attempt : entries_of(task_logs)) {
                const auto name = attempt.filename().string();
                if (gates.contains(name.substr(0, name.rfind('-')))) attempts.push_back(attempt);
            }
    };
    co_await offload(look);
    (void)co_await end_attempts(std::move(attempts)); // what does not end keeps its worktree, which is said
}

cleaned removed_scratch(const fs::path& path)
{
    return {"scratch " + path.string(), "its process is gone", true};
}

/// What waits there is moved among git's objects by its process alone.
awaitable<void> clear_beside_objects(project& in, std::vector<cleaned>& found, bool dry_run)
{
    auto clear = [&] {
        for (const auto& path : entries_of(git::scratch_beside_objects(in.repository())))
            if (git::remove_abandoned_scratch(path, dry_run)) found.push_back(removed_scratch(path));
    };
    co_await offload(clear);
}

} // namespace

awaitable<std::vector<cleaned>> clear_abandoned_gates(project& in, std::string resumed, bool dry_run)
{
    std::vector<cleaned> found;
    const auto folder = in.state_folder() / "scratch";
    std::set<std::string> worktrees, names;
    auto look = [&] {
        worktrees = worktrees_in(in, folder);
        names = worktrees;
        for (const auto& path : entries_of(folder))
            names.insert(path.filename());
    };
    co_await offload(look);
    std::set<std::string> gates;
    const auto is_live = [&](const std::string& name) {
        const auto run_id = run_of_gate(name);
        if (run_id.empty()) return false;
        if (run_id != resumed && run::is_alive(in, run_id)) return true;
        gates.insert(name);
        return false;
    };
    std::erase_if(names, is_live);
    if (!dry_run && !gates.empty()) co_await end_gates(in, std::move(gates));
    co_await clear_beside_objects(in, found, dry_run);
    for (const auto& name : names) {
        const auto path = folder / name;
        const auto what = "scratch " + path.string();
        if (run_of_gate(name).empty() && !worktrees.contains(name)) {
            auto remove = [&] { return git::remove_abandoned_scratch(path, dry_run); };
            if (co_await offload(remove)) found.push_back(removed_scratch(path));
            continue;
        }
        if (!dry_run) {
            const auto gone = co_await git::remove_worktree(in.repository(), path, lock_reason(name));
            if (!gone && !gone.error().is(errc::not_found)) {
                found.push_back({what, "left: " + gone.error().what(), false});
                continue;
            }
            auto remove = [&] { (void)git::delete_folder(path); }; // git never knew it, or has forgotten it
            co_await offload(remove);
        }
        found.push_back({what, "nobody tests in it any more", true});
    }
    co_return found;
}

} // namespace graftline::effects
