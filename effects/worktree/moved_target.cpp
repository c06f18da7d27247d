#include "graftline/effects/worktree/moved_target.hpp"

#include "graftline/effects/landing/landing.hpp"
#include "graftline/git/worktree/left_behind.hpp"
#include "graftline/runtime/process/command.hpp"

#include <set>

namespace graftline::effects {

awaitable<void> say_left_behind(run& r, std::vector<std::string> ids,
                                std::chrono::system_clock::time_point since)
{
    std::set<std::string> targets;
    for (const auto& id : ids)
        if (const auto t = co_await r.find(id); !target_of(t).empty()) targets.insert(target_of(t));
    for (const auto& target : targets) {
        const auto found = co_await git::find_left_behind(r.repository(), target, since, landing_note);
        if (!found) continue;
        for (const auto& one : *found)
            r.watcher().note(target +
                             " was moved while the run went on, but not by a landing, and its "
                             "checkout does not follow: " +
                             one.work_tree.string() + " still has the files of " + one.at.short_hex() +
                             ". To bring it along, with edits of yours kept: " +
                             quoted({"git", "-C", one.work_tree.string(), "read-tree", "-m", "-u",
                                     one.at.hex(), one.moved_to.hex()}));
    }
}

} // namespace graftline::effects
