#include "graftline/effects/land.hpp"

#include "graftline/effects/gate.hpp"
#include "graftline/effects/landing_intent.hpp"
#include "graftline/git/commit.hpp"
#include "graftline/git/merge.hpp"
#include "graftline/git/move_target.hpp"
#include "graftline/git/naming.hpp"
#include "graftline/git/refs.hpp"

#include <boost/asio/this_coro.hpp>

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

/// One try on the target's present tip. Moved (errc) means: try again on the new one.
class attempt {
public:
    attempt(run& r, const land& asked, const task& t, git::oid tip)
        : run_(r), asked_(asked), task_(t), tip_(tip)
    {
    }

    awaitable<result<landing>> make()
    {
        auto& repo = run_.repository();
        const auto onto = co_await git::resolve(repo, "refs/heads/" + asked_.target);
        if (!onto)
            co_return fault(onto.error())
                .with("target", asked_.target)
                .advise("Name an existing branch: --target BRANCH");
        const auto has_it = co_await git::is_ancestor(repo, tip_, *onto);
        if (!has_it) co_return has_it.error();
        if (*has_it) co_return landing{verdict::up_to_date, tip_.hex(), {}, "the target has it already", {}};

        auto merged = co_await git::merge_commits(repo, *onto, tip_);
        if (!merged) co_return merged.error();
        if (!merged->clean()) co_return conflict(merged->conflicts);

        // Squashed before, by us or by somebody else: an empty commit would say nothing.
        const auto present = co_await repo.ask("rev-parse", "--verify", onto->hex() + "^{tree}");
        if (!present) co_return present.error();
        if (*present == merged->tree.hex())
            co_return landing{
                verdict::up_to_date, onto->hex(), {}, "the target has these changes already", {}};

        auto commit = co_await make_commit(*onto, merged->tree);
        if (!commit) co_return commit.error();
        if (auto failed = co_await run_gates(run_, task_.id, *commit, asked_.gates); !failed)
            co_return failed.error();
        else if (*failed)
            co_return rejection(**failed);
        co_return co_await move(*onto, *commit);
    }

private:
    awaitable<result<git::oid>> make_commit(git::oid onto, git::oid tree)
    {
        auto& repo = run_.repository();
        std::string message = landing_message(run_.in().settings(), task_, asked_.mode, asked_.target);
        if (asked_.mode == land_mode::merge)
            co_return co_await git::commit_tree(repo, tree, std::vector{onto, tip_}, std::move(message));
        co_return co_await git::commit_tree(repo, tree, std::vector{onto}, std::move(message),
                                            git::commit_author::copy_of(tip_));
    }

    awaitable<result<landing>> move(git::oid from, git::oid to)
    {
        // Merging and gates take their time: the task may have been given up meanwhile.
        const auto now = co_await run_.find(task_.id);
        if (now.cancel_asked) co_return landing{verdict::waiting, {}, {}, "its landing was cancelled", {}};
        if (!may_become(now.state, task_state::merged))
            co_return fault(errc::refused, "the task is " + std::string(to_string(now.state)) + " by now");
        // From here to the record the target may have moved: not to be torn apart.
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        auto done = co_await git::move_target(run_.repository(), asked_.target, from, to,
                                              "graftline: land " + task_.id, keep_intent());
        auto cleared = co_await run_.in().stored([&](store& s) { s.clear_intent(task_.id); });
        co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
        if (!done) co_return done.error();
        if (!cleared) run_.watcher().note(cleared.error().message()); // the next command finds it done
        if (const auto* blocked = std::get_if<git::waits>(&*done))
            co_return landing{verdict::waiting, {}, blocked->paths, blocked->why, {}};
        co_return landing{verdict::merged, to.hex(), {}, {}, {}};
    }

    /// Writes down what is about to happen to a checkout. Without a checkout one compare-and-swap is all: no
    /// need.
    git::intent_callback keep_intent()
    {
        return [this](const git::move_intent& intent) -> awaitable<result<void>> {
            if (intent.checkout.empty()) co_return result<void>();
            co_return co_await run_.in().stored(
                [id = task_.id, text = to_text(intent)](store& s) { s.set_intent(id, text); });
        };
    }

    static landing conflict(const std::vector<git::merge_conflict>& conflicts)
    {
        landing l{verdict::conflicted, {}, {}, {}, {}};
        for (const auto& c : conflicts) {
            l.paths.push_back(c.path);
            l.why += (l.why.empty() ? "" : ", ") + c.path + " (" + c.kind + ")";
        }
        l.why = "conflicts with the target in " + l.why;
        return l;
    }

    static landing rejection(const gate_failure& failure)
    {
        return {verdict::rejected,
                {},
                {},
                "gate failed: " + failure.command + " (" + failure.how + ")",
                failure.log};
    }

    run& run_;
    const land& asked_;
    const task& task_;
    git::oid tip_;
};

void record(task& now, const landing& l, const std::string& target)
{
    now.spec.target = target;
    now.rejected = l.is == verdict::rejected;
    now.conflicts = l.is == verdict::conflicted ? l.paths : std::vector<std::string>();
    now.reason = l.why;
    switch (l.is) {
    case verdict::merged:
    case verdict::up_to_date:
        now.state = task_state::merged;
        now.landed = l.commit;
        break;
    case verdict::conflicted: now.state = task_state::conflicted; break;
    case verdict::rejected: now.state = task_state::failed; break;
    case verdict::waiting:
        now.state = task_state::completed;
        now.reason = "landing waits: " + l.why;
        break;
    }
    if (is_over(now.state)) now.finished_at = now_text();
}

} // namespace

awaitable<result<landing>> land::carry_out(run& r) const
{
    const auto turn = co_await r.landing_turn(target).acquire();
    const auto t = co_await r.find(task);
    const auto tip = co_await git::resolve(r.repository(), "refs/heads/" + t.branch);
    if (!tip) co_return fault(tip.error()).with("task", t.id).with("branch", t.branch);

    result<landing> landed = fault(errc::moved, "");
    // Each turn of this loop somebody else has landed: there is progress, so it ends.
    while (!landed && landed.error().is(errc::moved)) {
        if (r.is_over()) throw interrupted{};
        r.watcher().doing(task, "landing on " + target);
        landed = co_await attempt(r, *this, t, *tip).make();
    }
    if (!landed) co_return fault(landed.error()).with("task", t.id).with("target", target);

    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_await r.change(task, [&](effects::task& now) { record(now, *landed, target); });
    co_await asio::this_coro::reset_cancellation_state(asio::enable_terminal_cancellation());
    co_return landed;
}

} // namespace graftline::effects
