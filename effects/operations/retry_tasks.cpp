#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/worktree/remove_worktree.hpp"
#include "graftline/runtime/async/shielded.hpp"

namespace graftline::effects {

namespace {

fault without_agent(const task& t)
{
    if (t.spec.by_hand)
        return fault(errc::refused, "the task was made by hand, without an agent")
            .with("task", t.id)
            .advise("Work in its worktree, then commit and land it.");
    return fault(errc::refused, "which agent carried the task out is not known any more")
        .with("task", t.id)
        .with("reason", t.reason)
        .advise("Use what is in its worktree: graftline commit " + t.id +
                " -m MESSAGE, then graftline land " + t.id + "\n  Or have it done anew: graftline run");
}

/// Takes what the earlier attempts left away, after it is safe: the next begins in a new worktree.
awaitable<void> take_away(run& r, const std::string& id)
{
    co_await r.take(id, [](task& now) { check_operation(now.id, now.state, operation::retry).value(); });
    auto removed = co_await remove_worktree{id}.carry_out(r);
    co_await asio::this_coro::throw_if_cancelled(false); // what was done is recorded, cancelled or not
    if (removed)
        co_await shielded(r.change(id, [](task& now) {
            now.branch.clear(); // its commits are in a rescue ref, or landed
            now.commit.clear();
        }));
    co_await shielded(r.release(id));
    co_await asio::this_coro::throw_if_cancelled(true);
    removed.value();
}

} // namespace

awaitable<result<run_report>> retry_tasks(std::shared_ptr<project> in, std::vector<std::string> ids,
                                          run_options options, observer& watcher, stop_button& button)
{
    options.program = "retry";
    auto found = co_await in->stored([&](store& s) {
        for (auto& id : ids)
            id = s.resolve(id).id;
    });
    if (!found) co_return found.error();
    auto ready = [](task& now) {
        check_operation(now.id, now.state, operation::retry).value();
        if (!has_agent(now.spec)) throw fault_error(without_agent(now));
        now.state = task_state::pending;
        now.cancel_asked = false;
        now.rejected = false;
        now.conflicts.clear();
        now.landed_target.clear(); // it lands where it was asked to
    };
    if (options.start_fresh) {
        run_options before;
        before.program = "start over";
        std::optional<fault> refused; // the first; what is wrong with one task is no other's trouble
        std::vector<std::string> begin_anew;
        auto body = [&](run& r) -> awaitable<void> {
            for (const auto& id : ids)
                try {
                    co_await take_away(r, id);
                    begin_anew.push_back(id);
                } catch (const fault_error& e) {
                    if (ids.size() > 1) watcher.note(e.why().message());
                    if (!refused) refused = e.why();
                }
        };
        auto made_ready = co_await as_run(in, ids, before, watcher, button, body);
        if (!made_ready || made_ready->interrupted) co_return made_ready;
        if (begin_anew.empty() && refused) co_return *refused;
        ids = std::move(begin_anew);
        auto report =
            co_await carry_out(std::move(in), std::move(ids), std::move(options), watcher, button, ready);
        if (report && refused) report->incomplete = true;
        co_return report;
    }
    co_return co_await carry_out(std::move(in), std::move(ids), std::move(options), watcher, button, ready);
}

} // namespace graftline::effects
