#include "graftline/effects/landing/land.hpp"

#include "graftline/effects/landing/gate.hpp"
#include "graftline/effects/landing/landing_intent.hpp"
#include "graftline/effects/landing/landing_queue.hpp"
#include "graftline/git/commits/commit.hpp"
#include "graftline/git/naming/naming.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/git_files.hpp"
#include "graftline/runtime/async/shielded.hpp"

#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace graftline::effects {
namespace {

std::string landing_message(const agents::settings& settings, const task& t, land_mode mode,
                            const std::string& target)
{
    const bool squash = mode == land_mode::squash;
    if (squash && !settings.landing.squash_message)
        return git::conventional_message(settings.commit.type.value_or("feat"),
                                         settings.commit.scope.value_or(""), title(t), t.spec.description,
                                         t.id, settings.commit.trailers);
    const git::template_values values{{"id", t.id},         {"key", t.key},     {"description", title(t)},
                                      {"branch", t.branch}, {"target", target}, {"agent", t.spec.agent}};
    const auto text = squash ? *settings.landing.squash_message
                             : settings.landing.merge_message.value_or("Merge {id}: {description}");
    auto subject = git::expand(text, values);
    return (subject ? *subject : "Merge " + t.id + ": " + title(t)) + "\n\nTask: " + t.id + "\n";
}

/// As git itself words it, so that tools that look for reverts find it.
awaitable<result<std::string>> undo_message(run& r, const task& t)
{
    auto subject = co_await r.repository().ask("log", "-1", "--format=%s", t.landed, "--");
    if (!subject) co_return subject.error();
    std::string named = "This reverts commit " + t.landed;
    const auto parents = co_await r.repository().ask("log", "-1", "--format=%P", t.landed, "--");
    if (parents && parents->find(' ') != std::string::npos)
        named += ", reversing\nchanges made to " + parents->substr(0, parents->find(' '));
    co_return "Revert \"" + *subject + "\"\n\n" + named + ".\n\nTask: " + t.id + "\n";
}

/// What the task has to land: its branch; of what was undone, the change itself, since its commits are in the
/// target's history already.
awaitable<result<landing_request>> request_for(run& r, const task& t, const land& asked)
{
    // An agent may have done what it likes since the command began.
    if (auto safe = git::check_git_folder(r.repository().git_dir()); !safe) co_return safe.error();
    landing_request what;
    what.task = t.id;
    what.target = asked.target.branch;
    what.mode = asked.mode;
    what.gates = asked.gates;
    what.may_undo = asked.may_undo;
    what.test_again = asked.test_again;
    what.priority = t.spec.priority;
    what.may_forward = r.in().settings().landing.fast_forward.value_or(false);
    what.started_at = git::oid(t.base);
    what.keep_author = asked.mode == land_mode::squash || !t.undone.empty();
    const auto mode = t.undone.empty() ? asked.mode : land_mode::squash;
    what.message = landing_message(r.in().settings(), t, mode, asked.target.branch);
    const auto tip = co_await git::read_ref(r.repository(), "refs/heads/" + t.branch);
    if (!tip) co_return tip.error();
    if (*tip) {
        what.tip = **tip;
        if (!t.undone.empty()) what.from = git::oid(t.base);
    } else if (t.undone.empty() && !t.commit.empty() &&
               co_await git::tree_of(r.repository(), git::oid(t.commit))) {
        what.tip = git::oid(t.commit); // whatever became of the branch, this is on record, and there
    } else if (!t.undone.empty()) {
        what.tip = git::oid(t.landed);
        what.from = git::oid(t.landed_on);
    } else {
        co_return fault(errc::not_found, "its branch is gone").with("branch", t.branch);
    }
    co_return what;
}

/// The first of them, for a sentence; empty without any.
std::string named(const std::vector<std::string>& paths)
{
    constexpr std::size_t most = 5;
    std::string text;
    for (std::size_t i = 0; i < std::min(most, paths.size()); ++i)
        text += (i == 0 ? ": " : ", ") + paths[i];
    if (paths.size() > most) text += " and " + std::to_string(paths.size() - most) + " more";
    return text;
}

/// Records the outcome with the end of its intent.
awaitable<void> record(run& r, const std::string& id, const std::function<void(task&)>& edit)
{
    co_await r.change(id, edit);
    auto cleared = co_await r.in().stored([&](store& s) { s.clear_intent(id); });
    if (!cleared) r.watcher().note(cleared.error().message()); // the next command finds it done
}

/// The target has the change already: somebody else has brought it there, past the gates. Rejected when they
/// fail on the target as it is.
awaitable<result<landing>> test_what_is_there(run& r, std::string task, std::string target, landing said,
                                              std::vector<std::vector<std::string>> gates, bool again)
{
    const auto tip = co_await git::resolve(r.repository(), "refs/heads/" + target);
    if (!tip) co_return tip.error();
    const auto tree = co_await git::tree_of(r.repository(), *tip);
    if (!tree) co_return tree.error();
    const candidate as_it_is{*tip, *tip, *tree, nullptr};
    const auto failed = co_await run_gates(r, task, as_it_is, std::move(gates), again);
    if (!failed) co_return failed.error();
    if (!*failed) co_return said;
    co_return landing{verdict::rejected,
                      {},
                      {},
                      {},
                      "gate failed on " + target + ", where somebody has put this change already: " +
                          (*failed)->command + " (" + (*failed)->how + ")",
                      (*failed)->log};
}

/// Waits for the queue's word and records it, unless the queue has. The target may have moved when a
/// cancellation comes: then that is recorded all the same.
awaitable<result<landing>> queue_and_record(run& r, landing_request what)
{
    const auto id = what.task;
    const auto target = what.target;
    const auto edit = what.record;
    const auto gates = what.gates;
    const bool test_again = what.test_again, lands = !what.reverts;
    auto answered = co_await landing_queue::of(r, target).land(std::move(what));
    if (!answered) co_return fault(answered.error()).with("task", id).with("target", target);
    auto& said = answered->came_to;
    if (answered->is_recorded) co_return std::move(said);
    if (said.is == verdict::up_to_date && lands && !gates.empty()) {
        auto tested = co_await test_what_is_there(r, id, target, said, gates, test_again);
        if (!tested) co_return tested.error().with("task", id).with("target", target);
        said = std::move(*tested);
    }
    auto with_it = [&](task& now) { edit(now, said); };
    // Nothing was moved: somebody else has brought the target there, perhaps without flushing it.
    const bool must_flush = said.is == verdict::up_to_date;
    result<void> flushed;
    co_await asio::this_coro::throw_if_cancelled(false);
    if (must_flush) flushed = co_await shielded(r.repository().flush());
    if (flushed) co_await shielded(record(r, id, with_it));
    co_await asio::this_coro::throw_if_cancelled(true);
    if (!flushed) co_return flushed.error();
    co_return std::move(said);
}

} // namespace

void record_landing(task& now, const landing& l, const std::string& target)
{
    now.landed_target = target;
    now.rejected = l.is == verdict::rejected;
    now.conflicts = l.is == verdict::conflicted ? l.paths : std::vector<std::string>();
    now.reason = l.why;
    switch (l.is) {
    case verdict::merged:
    case verdict::up_to_date:
        now.state = task_state::merged;
        now.landed = l.commit;
        now.landed_on = l.onto;
        now.undone.clear();
        break;
    case verdict::conflicted: now.state = task_state::conflicted; break;
    case verdict::rejected: now.state = task_state::failed; break;
    case verdict::waiting:
        now.state = task_state::completed;
        now.reason = "landing waits: " + l.why + named(l.paths);
        break;
    }
    if (is_over(now.state)) now.finished_at = now_text();
}

bool was_taken_off(const task& t)
{
    return t.state == task_state::completed && !t.landed.empty() && t.undone.empty();
}

landing taken_off(const std::string& task, const std::string& commit, const std::string& target)
{
    return {verdict::waiting,
            {},
            {},
            {},
            "it landed as " + commit.substr(0, 10) + ", and somebody has taken that off " + target +
                " since; graftline land " + task + " lands it again",
            {}};
}

void record_undo(task& now, const landing& l)
{
    if (l.is_done()) {
        now.state = task_state::completed;
        now.undone = l.commit;
        now.reason = "undone: reverted by " + l.commit.substr(0, 10);
    } else {
        now.reason = "its undoing " + std::string(l.is == verdict::waiting ? "waits: " : "failed: ") + l.why;
    }
}

awaitable<result<landing>> land::carry_out(run& r) const
{
    const auto t = co_await r.find(task);
    if (t.state == task_state::merged) co_return landing{verdict::merged, t.landed, t.landed_on, {}, {}, {}};
    if (was_taken_off(t)) co_return taken_off(t.id, t.landed, target.branch);
    if (r.is_over()) throw interrupted{};
    const auto there = co_await make_target(r, target);
    if (!there) co_return fault(there.error()).with("task", t.id);
    auto what = co_await request_for(r, t, *this);
    if (!what) co_return fault(what.error()).with("task", t.id);
    r.watcher().doing(task, "waiting to land on " + target.branch);
    what->record = [branch = target.branch](effects::task& now, const landing& l) {
        record_landing(now, l, branch);
    };
    co_return co_await queue_and_record(r, std::move(*what));
}

awaitable<result<landing>> undo::carry_out(run& r) const
{
    const auto t = co_await r.find(task);
    if (t.state != task_state::merged || t.landed.empty())
        co_return fault(errc::refused, "it has not landed, so there is nothing to undo").with("task", t.id);
    if (t.landed_on.empty())
        co_return fault(errc::refused, "it put nothing on " + target_of(t) +
                                           ", which had its changes already: there is nothing of it to undo")
            .with("task", t.id);
    if (r.is_over()) throw interrupted{};
    landing_request what;
    what.task = t.id;
    what.target = target_of(t);
    what.gates = gates;
    what.reverts = true;
    what.may_undo = true;
    what.from = git::oid(t.landed);
    what.tip = git::oid(t.landed_on);
    auto message = co_await undo_message(r, t);
    if (!message) co_return fault(message.error()).with("task", t.id);
    what.message = std::move(*message);
    r.watcher().doing(task, "waiting to be undone on " + what.target);
    what.record = record_undo;
    co_return co_await queue_and_record(r, std::move(what));
}

} // namespace graftline::effects
