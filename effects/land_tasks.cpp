#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/land.hpp"
#include "graftline/effects/operations.hpp"
#include "graftline/effects/remove_worktree.hpp"
#include "graftline/git/refs.hpp"
#include "graftline/git/worktree.hpp"

#include <boost/asio/this_coro.hpp>

namespace graftline::effects {
namespace {

/// A task may be landed when its table row says so, when only a gate stood in the way, or when a person has
/// worked in it by hand and committed.
result<void> check_landable(const task& t)
{
    if (t.state == task_state::failed && t.rejected) return {};
    if (t.state == task_state::pending && t.spec.by_hand && t.worktree_ready) return {};
    return check_operation(t.id, t.state, operation::land);
}

/// Takes in what a person has committed since, and completes what was made by hand.
awaitable<task> bring_up_to_date(run& r, const task& t)
{
    const auto tip = (co_await git::read_ref(r.repository(), "refs/heads/" + t.branch)).value();
    const bool has_commits = tip && tip->hex() != t.base;
    if (!has_commits)
        throw fault_error(
            fault(errc::refused, "there is nothing to land: the branch has no commit of its own")
                .with("task", t.id)
                .with("branch", t.branch)
                .advise("Commit what lies in its worktree: graftline commit " + t.id + " -m MESSAGE"));
    if (!t.worktree.empty() && std::filesystem::is_directory(t.worktree)) {
        const auto status = (co_await git::status_of(r.repository(), t.worktree, std::nullopt)).value();
        if (!status.is_clean())
            throw fault_error(fault(errc::refused, "its worktree has changes that are not committed")
                                  .with("task", t.id)
                                  .with("worktree", t.worktree)
                                  .advise("Commit them first: graftline commit " + t.id + " -m MESSAGE"));
    }
    co_return co_await r.change(t.id, [&](task& now) {
        now.commit = tip->hex();
        if (now.state == task_state::pending || now.state == task_state::failed)
            now.state = task_state::completed;
        now.rejected = false;
    });
}

awaitable<void> land_one(context& ctx, const std::string& id, const land_options& options)
{
    auto& r = ctx.in();
    const auto t = co_await r.take(id, [](task& now) {
        check_landable(now).value();
        now.cancel_asked = false;
    });
    const auto target = options.target.value_or(t.spec.target);
    if (target.empty())
        throw fault_error(fault(errc::invalid, "there is no branch to land on: HEAD is detached")
                              .with("task", id)
                              .advise("Name one: --target BRANCH"));
    co_await bring_up_to_date(r, t);
    const auto& gates = options.gates.empty() ? t.spec.gates : options.gates;
    const auto mode = options.mode.value_or(t.spec.land.value_or(land_mode::merge));
    const auto landed = co_await ctx.perform(land{id, target, mode, gates});
    if (landed.is_done() && !t.spec.keep_worktree && !options.keep_worktrees)
        co_await ctx.perform(remove_worktree{id});
}

} // namespace

awaitable<result<run_report>> land_tasks(std::shared_ptr<project> in, std::vector<std::string> ids,
                                         land_options options, observer& watcher, stop_button& button)
{
    // All are checked before the first is landed: a typing error lands nothing.
    for (const auto& id : ids) {
        const auto t = co_await in->stored([&](store& s) { return s.resolve(id); });
        if (!t) co_return t.error();
        if (auto allowed = check_landable(*t); !allowed) co_return allowed.error();
    }
    run_options of_run;
    of_run.program = "land";
    of_run.target = options.target.value_or("");
    std::optional<fault> first_fault;
    auto body = [&](run& r) -> awaitable<void> {
        int index = 0;
        for (const auto& id : ids) {
            context ctx(r, "0." + std::to_string(index++));
            std::exception_ptr stopped;
            try {
                co_await land_one(ctx, id, options);
            } catch (const fault_error& e) {
                // One task that cannot land does not keep the others from it.
                if (ids.size() > 1) watcher.note(e.what());
                if (!first_fault) first_fault = e.why();
            } catch (...) {
                stopped = std::current_exception();
            }
            co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
            co_await r.release(id);
            co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
            if (stopped) std::rethrow_exception(stopped);
        }
    };
    auto report = co_await as_run(in, ids, of_run, watcher, button, body);
    if (report && report->target.empty() && !report->tasks.empty())
        report->target = report->tasks.front().spec.target;
    if (report && first_fault && ids.size() == 1) co_return *first_fault;
    co_return report;
}

} // namespace graftline::effects
