#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/effects/landing/land.hpp"
#include "graftline/effects/landing/landing_target.hpp"
#include "graftline/effects/landing/taken_landing.hpp"
#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/worktree/abandoned_gates.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/effects/worktree/remove_worktree.hpp"
#include "graftline/git/commits/committed.hpp"
#include "graftline/git/commits/submodules.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/async/shielded.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace graftline::effects {
namespace {

/// It is called merged because the target had its changes already. Whoever brought them may have taken them
/// back since: asked for, they land.
bool put_nothing_on_target(const task& t)
{
    return t.state == task_state::merged && t.landed_on.empty() && !t.commit.empty();
}

/// A task may be landed when its table row says so, when only a gate stood in the way, or when a person has
/// worked in it by hand and committed.
result<void> check_landable(const task& t)
{
    if ((t.state == task_state::failed && t.rejected) || put_nothing_on_target(t)) return {};
    if (t.state == task_state::pending && t.spec.by_hand && t.worktree_ready) return {};
    return check_operation(t.id, t.state, operation::land);
}

/// Takes in what a person has committed since, and completes what was made by hand.
awaitable<task> bring_up_to_date(run& r, task t)
{
    t = (co_await follow_worktree(r, std::move(t))).value();
    if (!t.undone.empty()) co_return t; // the change is in the history, with or without a branch
    const auto tip = (co_await git::read_ref(r.repository(), "refs/heads/" + t.branch)).value();
    if (!tip && !t.commit.empty()) co_return t; // what is on record lands, whatever became of the branch
    const bool has_commits = tip && tip->hex() != t.base;
    if (!has_commits)
        throw fault_error(
            fault(errc::refused, "there is nothing to land: the branch has no commit of its own")
                .with("task", t.id)
                .with("branch", t.branch)
                .advise("Commit what lies in its worktree: graftline commit " + t.id + " -m MESSAGE"));
    (co_await git::check_committed(r.repository(), t.worktree, git::oid(t.base), *tip)).value();
    (co_await git::keep_submodule_commits(r.repository(), t.worktree, git::oid(t.base), *tip)).value();
    if (is_worktree_there(t).value()) {
        const auto checked = git::check_worktree(r.repository(), t.worktree, lock_reason(t.id), t.branch);
        result<git::worktree_status> status = fault(errc::internal, "");
        if (checked)
            status = co_await git::status_of(r.repository(), t.worktree, std::nullopt);
        else
            status = checked.error();
        const bool is_on_record = t.state == task_state::completed && tip->hex() == t.commit;
        if (!status && is_on_record) {
            // It stays where it is afterwards: what cannot be looked at cannot be saved.
            r.watcher().note("The worktree of " + t.id + " cannot be read; what it had committed lands.");
            co_return t;
        }
        if (!status.value().is_clean())
            throw fault_error(fault(errc::refused, "its worktree has changes that are not committed")
                                  .with("task", t.id)
                                  .with("worktree", t.worktree)
                                  .advise("Commit them first: graftline commit " + t.id + " -m MESSAGE"));
    }
    auto record = [&](task& now) {
        now.commit = tip->hex();
        if (now.state == task_state::pending || now.state == task_state::failed)
            now.state = task_state::completed;
        now.rejected = false;
    };
    co_return co_await r.change(t.id, record, lasting::with_the_next); // its landing is what is promised
}

awaitable<bool> put_on_target(context& ctx, task t, const land_options& options)
{
    auto asked = t.spec;
    asked.target = options.target.value_or(target_of(t));
    if (options.target) asked.into.clear();
    if (options.into) asked.into = *options.into;
    const auto target = landing_target_of(t.id, asked);
    t = co_await ctx.at_rest(bring_up_to_date(ctx.in(), t));
    const auto& gates = options.gates.empty() ? t.spec.gates : options.gates;
    const auto mode = options.mode.value_or(t.spec.land.value_or(land_mode::merge));
    const auto landed =
        co_await ctx.perform(land{t.id, target, mode, gates, options.may_undo, options.test_again});
    co_return landed.is_done();
}

// What these bodies ask of the store and of git is not on record: landings and undoings are gone on with by
// asking for them again.

/// True when it has landed. One that has landed already, as an interruption may leave it, is only cleared
/// away.
awaitable<bool> land_one(context& ctx, std::string id, const land_options& options, bool resumed)
{
    auto ready = [&](task& now) {
        if (put_nothing_on_target(now) && !resumed) {
            now.state = task_state::completed;
            now.landed.clear();
        }
        if (now.state == task_state::merged) return;
        check_landable(now).value();
        now.cancel_asked = false;
        if (was_taken_off(now) && !resumed) now.landed.clear(); // somebody asks for it
    };
    auto t = co_await ctx.at_rest(ctx.in().take(id, ready));
    if (t.state != task_state::merged && !co_await put_on_target(ctx, t, options)) co_return false;
    if (t.spec.keep_worktree || options.keep_worktrees) co_return true;
    const auto removed = co_await ctx.try_perform(remove_worktree{id});
    if (!removed) // it has landed all the same
        ctx.in().watcher().note("The worktree of " + id + " stays: " + removed.error().message());
    co_return true;
}

struct all_of_them {
    bool done = true;
    std::optional<fault> first; ///< the first fault
};

/// Carries `one` out for each task, at the same time: their landings meet in the queue. What one of them
/// cannot do does not keep the others from it.
awaitable<all_of_them> each(run& r, const std::vector<std::string>& ids,
                            std::function<awaitable<bool>(context&, std::string)> one)
{
    all_of_them all;
    std::vector<std::pair<int, std::string>> numbered;
    for (const auto& id : ids)
        numbered.emplace_back(static_cast<int>(numbered.size()), id);
    auto carry = [&](std::pair<int, std::string> which) -> awaitable<void> {
        context ctx(r, "0." + std::to_string(which.first));
        std::exception_ptr stopped;
        try {
            all.done &= co_await one(ctx, which.second);
        } catch (const fault_error& e) {
            if (ids.size() > 1) r.watcher().note(e.what());
            all.done = false;
            if (!all.first) all.first = e.why();
        } catch (...) {
            stopped = std::current_exception();
        }
        co_await asio::this_coro::throw_if_cancelled(false); // letting go is awaited, cancelled or not
        // What is interrupted stays this run's: whoever goes on with it knows it by that.
        if (!stopped || !r.stopping()) co_await ctx.at_rest(shielded(r.release(which.second)));
        if (stopped) std::rethrow_exception(stopped);
    };
    auto outcomes = co_await parallel::map(std::move(numbered), carry);
    for (auto& o : outcomes)
        if (o.error()) std::rethrow_exception(o.error());
    co_return all;
}

/// Those that others come after first, then by priority: ids that the queue gets in this order.
std::vector<std::string> in_landing_order(const std::vector<task>& tasks)
{
    std::vector<task> open;
    for (const auto& t : tasks) // among equals the order given stays
        open.insert(
            std::ranges::find_if(open, [&](const task& o) { return o.spec.priority < t.spec.priority; }), t);
    std::vector<std::string> order;
    while (!open.empty()) {
        const auto waits = [&](const task& t) {
            return std::ranges::any_of(
                open, [&](const task& other) { return std::ranges::count(t.spec.after, other.id) > 0; });
        };
        auto next = std::ranges::find_if_not(open, waits);
        if (next == open.end()) next = open.begin(); // a ring cannot be, but must not hang us
        order.push_back(next->id);
        open.erase(next);
    }
    return order;
}

} // namespace

namespace {

/// The run that was cut short, which the new one takes the place of.
struct cut_short {
    std::string id;
    file_lock::lease held;
};
using instead_of = std::optional<cut_short>;

/// The new run is on record with all its tasks: nothing of the old one's is to be done any more.
awaitable<void> take_its_place(run& r, instead_of& old)
{
    if (!old) co_return;
    // What was begun for it has been taken for alive so far: its lock is ours.
    co_await clear_abandoned_gates(r.in(), old->id, false);
    co_await r.in().must_store([&](store& s) { s.finish_run(old->id, "done"); });
    old->held.release();
}

awaitable<result<run_report>> land_all(std::shared_ptr<project> in, std::vector<task> tasks,
                                       land_options options, instead_of old, observer& watcher,
                                       stop_button& button)
{
    run_options of_run;
    of_run.program = "land";
    of_run.arguments = to_stored(options).as_object();
    of_run.target = options.target.value_or("");
    all_of_them all;
    auto one = [&](context& ctx, std::string id) {
        return land_one(ctx, std::move(id), options, old.has_value());
    };
    auto body = [&](run& r) -> awaitable<void> {
        co_await take_its_place(r, old);
        r.speculate(options.speculation);
        all = co_await each(r, in_landing_order(tasks), one);
    };
    auto report = co_await as_run(in, ids_of(tasks), of_run, watcher, button, body);
    if (report && report->target.empty() && !report->tasks.empty())
        report->target = target_of(report->tasks.front());
    if (report && all.first && tasks.size() == 1) co_return *all.first;
    if (report) report->incomplete = !all.done;
    co_return report;
}

/// True when it is undone. One that is already, as an interruption may leave it, is left.
awaitable<bool> undo_one(context& ctx, std::string id, const std::vector<std::vector<std::string>>& gates)
{
    const auto is_undone = [](const task& t) {
        return t.state == task_state::completed && !t.undone.empty();
    };
    auto ready = [&](task& now) {
        if (is_undone(now)) return;
        check_operation(now.id, now.state, operation::undo).value();
        now.cancel_asked = false;
    };
    const auto t = co_await ctx.at_rest(ctx.in().take(id, ready));
    if (is_undone(t)) co_return true;
    const auto undone = co_await ctx.perform(undo{id, gates.empty() ? t.spec.gates : gates});
    co_return undone.is_done();
}

awaitable<result<run_report>> undo_all(std::shared_ptr<project> in, std::vector<task> tasks,
                                       std::vector<std::vector<std::string>> gates, instead_of old,
                                       observer& watcher, stop_button& button)
{
    const auto asked = ids_of(tasks);
    // What landed last is taken back first: nothing later stands on it.
    std::ranges::reverse(tasks);
    std::ranges::sort(tasks, std::greater<>(), &task::finished_at);
    run_options of_run;
    of_run.program = "undo";
    of_run.arguments["gates"] = to_stored(gates);
    of_run.target = tasks.empty() ? "" : target_of(tasks.front());
    all_of_them all;
    auto one = [&](context& ctx, std::string id) { return undo_one(ctx, std::move(id), gates); };
    auto body = [&](run& r) -> awaitable<void> {
        co_await take_its_place(r, old);
        all = co_await each(r, ids_of(tasks), one);
    };
    auto report = co_await as_run(in, asked, of_run, watcher, button, body);
    if (report && all.first && tasks.size() == 1) co_return *all.first;
    if (report) report->incomplete = !all.done;
    co_return report;
}

} // namespace

awaitable<result<run_report>> land_tasks(std::shared_ptr<project> in, std::vector<std::string> ids,
                                         land_options options, observer& watcher, stop_button& button)
{
    // All are checked before the first is landed: a typing error lands nothing.
    std::vector<task> tasks;
    for (const auto& id : ids) {
        auto t = co_await in->stored([&](store& s) { return s.resolve(id); });
        if (t) t = co_await look_for_landing_now(*in, *t, watcher);
        if (!t) co_return t.error();
        if (auto allowed = check_landable(*t); !allowed) co_return allowed.error();
        tasks.push_back(*t);
    }
    co_return co_await land_all(std::move(in), std::move(tasks), std::move(options), {}, watcher, button);
}

awaitable<result<run_report>> undo_tasks(std::shared_ptr<project> in, std::vector<std::string> ids,
                                         std::vector<std::vector<std::string>> gates, observer& watcher,
                                         stop_button& button)
{
    std::vector<task> tasks;
    for (const auto& id : ids) {
        const auto t = co_await in->stored([&](store& s) { return s.resolve(id); });
        if (!t) co_return t.error();
        if (auto allowed = check_operation(t->id, t->state, operation::undo); !allowed)
            co_return allowed.error();
        tasks.push_back(*t);
    }
    co_return co_await undo_all(std::move(in), std::move(tasks), std::move(gates), {}, watcher, button);
}

awaitable<result<run_report>> ask_again(std::shared_ptr<project> in, run_record interrupted,
                                        std::vector<task> tasks, file_lock::lease held, observer& watcher,
                                        stop_button& button)
{
    instead_of old(cut_short{interrupted.id, std::move(held)});
    if (interrupted.program == "land") {
        auto options = from_stored<land_options>(interrupted.arguments);
        if (!options) co_return options.error().with("run", interrupted.id);
        co_return co_await land_all(std::move(in), std::move(tasks), std::move(*options), std::move(old),
                                    watcher, button);
    }
    auto gates = from_stored<std::vector<std::vector<std::string>>>(interrupted.arguments["gates"]);
    if (!gates) co_return gates.error().with("run", interrupted.id);
    co_return co_await undo_all(std::move(in), std::move(tasks), std::move(*gates), std::move(old), watcher,
                                button);
}

} // namespace graftline::effects
