#include "graftline/effects/worktree/create_worktree.hpp"

#include "graftline/effects/checkout/furnish.hpp"
#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/effects/run/task_time.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/effects/worktree/remove_worktree.hpp"
#include "graftline/effects/worktree/task_base.hpp"
#include "graftline/git/refs/delete_branch.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rules/noted_rules.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/process/disk_session.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

/// What a crash left of a worktree that never got ready, once what lies in it is safe.
awaitable<result<void>> drop_half_made(run& r, const task& t)
{
    auto removed = co_await git::remove_worktree(r.repository(), t.worktree, lock_reason(t.id));
    if (!removed && !removed.error().is(errc::not_found)) co_return removed.error();
    auto tip = co_await git::read_ref(r.repository(), "refs/heads/" + t.branch);
    if (!tip) co_return tip.error();
    if (*tip && (*tip)->hex() == t.base) {
        auto gone = co_await git::delete_branch(r.repository(), t.branch, **tip);
        if (!gone) co_return gone.error();
    }
    co_return result<void>();
}

/// Undoes what was made for a task whose worktree did not come to be.
awaitable<void> roll_back(run& r, const std::string& id)
{
    const auto t = co_await r.find(id);
    if (t.worktree_ready || t.worktree.empty()) co_return;
    // A fault here would hide the one that matters. What could not be removed stays on record: the next
    // attempt, or a removal, takes it away.
    if (!co_await drop_half_made(r, t)) co_return;
    // A branch with commits is an earlier attempt's work: forgotten here, nobody would find it again.
    const auto tip = co_await git::read_ref(r.repository(), "refs/heads/" + t.branch);
    const bool has_work = !tip || (*tip && (*tip)->hex() != t.base);
    co_await r.change(t.id, [&](task& now) {
        now.worktree.clear();
        if (!has_work) now.branch.clear();
        now.worktree_ready = false;
    });
}

class maker {
public:
    maker(run& r, task t, std::int64_t left_ms) : run_(r), task_(std::move(t)), time_(r, task_.id, left_ms) {}

    awaitable<result<tree>> make()
    {
        auto made = co_await make_somehow();
        if (!made) co_return time_.explained(made.error());
        made->duration_ms = time_.spent_ms();
        co_return made;
    }

private:
    awaitable<result<tree>> make_somehow()
    {
        run_.watcher().doing(task_.id, "making its worktree");
        if (!task_.worktree.empty() && !task_.worktree_ready) {
            if (auto saved = co_await save_half_made(); !saved) co_return saved.error();
            if (auto dropped = co_await drop_half_made(run_, task_); !dropped) co_return dropped.error();
            task_.worktree.clear();
        }
        if (!task_.branch.empty()) {
            const auto tip = co_await git::read_ref(run_.repository(), "refs/heads/" + task_.branch);
            if (!tip) co_return tip.error();
            if (*tip) co_return co_await add_again(**tip);
        }
        co_return co_await add_new();
    }

    /// Its files were checked out, and somebody may have worked among them since.
    awaitable<result<void>> save_half_made()
    {
        auto saved = co_await save_and_remove_folder(run_, task_);
        if (!saved) co_return saved.error();
        if (saved->empty()) co_return result<void>();
        task_ = co_await run_.change(task_.id, [&](task& now) {
            now.rescues.insert(now.rescues.end(), saved->begin(), saved->end());
        });
        run_.watcher().note(
            "The worktree of " + task_.id +
            " was never finished, and is made anew. What lay in it is saved: " + saved->front());
        co_return result<void>();
    }

    /// The branch is there, its folder is not.
    awaitable<result<tree>> add_again(git::oid tip)
    {
        if (!task_.worktree.empty()) {
            // Still on git's record, though its folder is away.
            auto saved = co_await save_and_remove_folder(run_, task_);
            if (!saved) co_return saved.error();
            co_await run_.change(task_.id, [&](task& now) {
                now.rescues.insert(now.rescues.end(), saved->begin(), saved->end());
            });
        }
        result<tree> made = fault(errc::exists, "");
        for (int suffix = 0; !made && made.error().is(errc::exists) && suffix < 50; ++suffix) {
            const auto names = name_task(run_.in(), task_, suffix);
            if (!names) co_return names.error();
            made =
                co_await add(git::worktree_request(names->worktree, task_.branch, tip).on_existing_branch());
        }
        co_return made;
    }

    awaitable<result<tree>> add_new()
    {
        auto base = co_await task_base(run_, task_);
        if (!base) co_return base.error();
        task_.base = base->hex();
        result<tree> made = fault(errc::exists, "");
        // A name that is taken gets a suffix: never an error, and never somebody else's branch or folder.
        for (int suffix = 0; !made && made.error().is(errc::exists) && suffix < 50; ++suffix) {
            const auto names = name_task(run_.in(), task_, suffix);
            if (!names) co_return names.error();
            task_.branch = names->branch;
            if (suffix >
                0) { // taken, or another branch is in its way: only then is it worth a look at all of them
                auto branch = co_await git::free_branch_name(run_.repository(), names->branch);
                if (!branch) co_return branch.error();
                task_.branch = std::move(*branch);
            }
            made = co_await add(git::worktree_request(names->worktree, task_.branch, *base));
        }
        co_return made;
    }

    awaitable<result<tree>> add(git::worktree_request request)
    {
        task_.worktree = request.path.string();
        time_.covers(task_.worktree, task_.branch);
        if (auto hidden = co_await git::keep_out_of_status(run_.repository(), request.path); !hidden)
            co_return hidden.error();
        auto note = [this](const std::string& sentence) { run_.watcher().note(sentence); };
        // Recorded before it is made: a crash in between leaves a trace that leads to what it left.
        co_await record(false);
        auto added = co_await git::add_worktree(run_.repository(),
                                                std::move(request).lock(lock_reason(task_.id)).tell(note));
        if (!added) co_return added.error();
        if (auto furnished = co_await furnish(run_, task_.worktree, task_.id); !furnished)
            co_return furnished.error();
        if (auto missing = git::missing_hooks(run_.repository(), task_.worktree); !missing.empty())
            note(missing);
        if (auto noted = co_await note_what_came_later(); !noted) co_return noted.error();
        // What is recorded as ready is taken for the agent's work after a restart.
        if (auto flushed = co_await run_.repository().flush(task_.worktree); !flushed)
            co_return flushed.error();
        co_await record(true);
        co_return tree{task_.worktree, task_.branch, task_.base};
    }

    /// A program of a filter may be among what was put there.
    awaitable<result<void>> note_what_came_later()
    {
        const auto& settings = run_.in().settings().worktree;
        if (settings.copy.empty() && settings.link.empty() && settings.setup.empty())
            co_return result<void>();
        const auto record = git::git_dir_of(run_.repository(), task_.worktree);
        if (!record) co_return record.error();
        if (!*record) co_return result<void>();
        co_return co_await git::note_programs(run_.repository(), **record, task_.worktree);
    }

    awaitable<void> record(bool ready)
    {
        co_await run_.change(task_.id, [&](task& now) {
            now.branch = task_.branch;
            now.base = task_.base;
            now.worktree = task_.worktree;
            now.worktree_ready = ready;
            // From here on its agent may be at work: no record of its start has to be flushed for that.
            if (ready && now.state == task_state::running) now.attempt_boot = disk_session_of(now.worktree);
        });
    }

    run& run_;
    task task_;
    task_time time_;
};

} // namespace

awaitable<result<tree>> create_worktree::carry_out(run& r) const
{
    auto found = co_await follow_worktree(r, co_await r.find(task));
    if (!found) co_return found.error();
    const auto t = std::move(*found);
    const auto there = is_worktree_there(t);
    if (!there) co_return there.error();
    if (t.worktree_ready && *there) {
        auto ours = git::check_worktree(r.repository(), t.worktree, lock_reason(t.id), t.branch);
        if (!ours) co_return fault(ours.error()).with("task", task);
        co_return tree{t.worktree, t.branch, t.base};
    }

    result<tree> made = fault(errc::internal, "");
    std::exception_ptr stopped;
    try {
        made = co_await maker(r, t, left_ms).make();
    } catch (...) {
        stopped = std::current_exception();
    }
    if (!stopped && made) co_return made;
    co_await asio::this_coro::throw_if_cancelled(false); // cleaning up is awaited, cancelled or not
    co_await shielded(roll_back(r, task));
    co_await asio::this_coro::throw_if_cancelled(true);
    if (stopped) std::rethrow_exception(stopped);
    co_return fault(made.error()).with("task", task);
}

} // namespace graftline::effects
