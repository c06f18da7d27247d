#include "graftline/effects/run_task.hpp"

#include "graftline/effects/agent/back_off.hpp"
#include "graftline/effects/agent/settle_task.hpp"
#include "graftline/effects/landing/landing_target.hpp"
#include "graftline/effects/worktree/commit_changes.hpp"
#include "graftline/effects/worktree/create_worktree.hpp"
#include "graftline/effects/worktree/remove_worktree.hpp"
#include "graftline/effects/worktree/start_over.hpp"

// What these bodies decide on is what they were given, outcomes of effects, and the settings, which are the
// run's: a run that is gone on with has them as it began.

namespace graftline::effects {
namespace {

/// What its agents share: the task's place among the running ones, and its time.
class working_task {
public:
    working_task(context& ctx, std::string id, const task_spec& spec, semaphore& places,
                 semaphore::lease place)
        : ctx_(ctx), id_(std::move(id)), spec_(spec), places_(places), place_(std::move(place))
    {
    }

    /// One that was turned away for now is asked again, as often and as long as the settings allow. Meanwhile
    /// the place is somebody else's.
    awaitable<agent_report> ask(run_agent asked)
    {
        const auto own_feedback = asked.feedback;
        std::int64_t waited_ms = 0;
        for (int made = 1;; ++made) {
            if (is_out_of_time()) co_return out_of_time({});
            const bool has_limit = !has_one_time() || spec_.timeout_ms; // earlier revisions always say it
            if (!is_as_before() && has_limit) asked.spent_ms = spent_ms_;
            auto report = co_await ctx_.perform(asked);
            spent_ms_ += report.duration_ms;
            if (report.is_spent) ctx_.in().pauses().spend(name_of(asked), report.how);
            if (!report.may_pass || is_enough(made, waited_ms)) co_return report;
            const auto waited = co_await wait(asked, made, report);
            if (waited.cancelled) {
                report.how = report.ending = "cancelled";
                co_return report;
            }
            if (waited.out_of_time) co_return out_of_time(std::move(report));
            waited_ms += waited.waited_ms;
            spent_ms_ += waited.waited_ms;
            if (!is_as_before()) asked.feedback = own_feedback + cut_off(report);
        }
    }

    awaitable<void> make_worktree()
    {
        const auto made = co_await ctx_.perform(create_worktree{id_, time_left()});
        if (has_one_time()) spent_ms_ += made.duration_ms;
    }

    awaitable<change> commit()
    {
        const auto& settings = ctx_.in().in().settings().commit;
        auto made = co_await ctx_.perform(commit_changes{
            id_, {}, settings.type.value_or("feat"), settings.scope.value_or(""), time_left()});
        if (has_one_time()) spent_ms_ += made.duration_ms;
        co_return made;
    }

    /// All its agents have ended: the next task's start while this one's work is committed and landed.
    void give_place_back() { place_.release(); }
    awaitable<void> take_place()
    {
        if (!place_) place_ = co_await ctx_.at_rest(places_.acquire(spec_.priority));
    }

private:
    /// Runs from before the pauses were bounded by time, and before a task's time was one for all attempts.
    bool is_as_before() const { return ctx_.in().record().revision < 2; }

    /// Runs from before a task's time was that of its set-up and its commit, too.
    bool has_one_time() const { return ctx_.in().record().revision >= 3; }

    /// For an effect: 0 is a time without limit. What is done in a moment is to come to its end.
    std::int64_t time_left() const
    {
        if (!has_one_time() || !spec_.timeout_ms) return 0;
        return std::max<std::int64_t>(*spec_.timeout_ms - spent_ms_, 1000);
    }

    bool is_enough(int made, std::int64_t waited_ms) const
    {
        const auto& settings = ctx_.in().in().settings().run;
        if (settings.attempts || is_as_before())
            return made >= static_cast<int>(settings.attempts.value_or(3));
        return std::chrono::milliseconds(waited_ms) >= settings.patience.value_or(std::chrono::minutes(30));
    }

    awaitable<backed_off> wait(const run_agent& asked, int made, const agent_report& report)
    {
        back_off pause{asked.task, made, report.how, {}, 0, 0};
        if (is_as_before()) co_return co_await ctx_.perform(pause);
        pause.agent = name_of(asked);
        pause.retry_after_ms = report.retry_after_ms;
        if (spec_.timeout_ms) pause.time_left_ms = std::max<std::int64_t>(*spec_.timeout_ms - spent_ms_, 1);
        place_.release();
        const auto waited = co_await ctx_.perform(pause);
        co_await take_place();
        co_return waited;
    }

    std::string name_of(const run_agent& asked) const { return agent_name_of(spec_, asked.agent); }

    bool is_out_of_time() const
    {
        return !is_as_before() && spec_.timeout_ms && spent_ms_ >= *spec_.timeout_ms;
    }

    agent_report out_of_time(agent_report last) const
    {
        last.done = last.may_pass = false;
        last.ending = to_string(ending::timed_out);
        last.how = "the task's time is over" + (last.how.empty() ? "" : ": " + last.how);
        return last;
    }

    static std::string cut_off(const agent_report& report)
    {
        return "\nThe attempt before this one was cut off by a failure of the service (" + report.how +
               "). Your worktree holds what it had done: look at it first, and go on from there.\n";
    }

    context& ctx_;
    std::string id_;
    const task_spec& spec_;
    semaphore& places_;
    semaphore::lease place_;
    std::int64_t spent_ms_ = 0;
};

awaitable<void> record_agent_failure(context& ctx, const std::string& id, const agent_report& report)
{
    std::string why = report.how;
    if (!report.denied.empty()) why += "; it was not allowed: " + report.denied;
    if (report.is_spent)
        co_await ctx.perform(settle_task{id, false, why, std::string(ending_spent)});
    else
        co_await ctx.perform(settle_task{id, false, why, report.ending});
}

awaitable<agent_report> run_stages(context& ctx, working_task& working, const std::string& id,
                                   const std::vector<stage>& stages)
{
    constexpr int most_returns = 3; // then a person must look: two agents would argue for ever
    agent_report last;
    std::string feedback;
    int returns = 0;
    for (std::size_t i = 0; i < stages.size();) {
        const auto& stage = stages[i];
        last = co_await working.ask({id, stage.name, stage.agent, feedback, stage.prompt, 0, stage.decides});
        const bool go_back =
            last.decision == "request_changes" && last.ending == "exited" && last.exit_code == 0;
        if (last.done) {
            feedback = last.summary.empty() ? last.said : last.summary;
            ++i;
        } else if (go_back && i > 0 && returns < most_returns) {
            ++returns;
            feedback = last.summary;
            --i;
        } else {
            last.how = "stage " + stage.name + ": " + last.how;
            break;
        }
    }
    co_return last;
}

awaitable<agent_report> let_agent_work(context& ctx, working_task& working, const std::string& id,
                                       const task_spec& spec)
{
    if (!spec.stages.empty()) co_return co_await run_stages(ctx, working, id, spec.stages);
    co_return co_await working.ask({id, {}, {}, {}, {}, 0, false});
}

/// Whether that is all of it, and right, a person must say.
bool needs_a_look(const change& made)
{
    return made.worktree_gone || !made.doubt.empty();
}

struct committed_work {
    change made;
    bool completed = false;      ///< false: cancelled meanwhile
    bool left_elsewhere = false; ///< some of it is not on its branch
};

awaitable<committed_work> commit_work(context& ctx, working_task& working, const std::string& id,
                                      const agent_report& report, bool lands)
{
    committed_work work;
    work.made = co_await working.commit();
    if (work.made.begins_again) co_return work;
    std::string reason = work.made.tip.empty() ? "no changes"
                         : work.made.worktree_gone
                             ? "its worktree is gone: what was not committed there is not on its branch"
                             : work.made.doubt;
    if (!report.denied.empty() && (!lands || work.made.tip.empty()))
        reason += (reason.empty() ? "its agent was not allowed: " : "; its agent was not allowed: ") +
                  report.denied;
    const auto settled = co_await ctx.perform(settle_task{id, true, reason, {}});
    work.completed = settled.is_completed();
    work.left_elsewhere = settled.left_elsewhere;
    co_return work;
}

/// The work is kept as it is, on its branch, for a person to decide on. False: it is gone, and is to be done
/// again.
awaitable<bool> hold_for_person(context& ctx, working_task& working, const std::string& id,
                                const agent_report& report)
{
    const auto made = co_await working.commit();
    if (made.begins_again) co_return false;
    co_await ctx.perform(settle_task{id, false,
                                     report.how + "\nIts work waits for a person: graftline land " + id +
                                         " takes it as it is, graftline retry " + id + " has it done again.",
                                     std::string(ending_undecided)});
    co_return true;
}

/// The branch that the agent is told its change does not fit on.
const std::string& named_target(const run& r, const task_spec& spec, const landing_target& target)
{
    return r.record().revision == 0 ? spec.target : target.branch;
}

/// Gives a conflict to an agent, in a fresh worktree on the target as it is now. False: it did not get to
/// work that could land.
awaitable<bool> resolve(context& ctx, const std::string& id, const task_spec& spec, const landing& conflict,
                        const std::string& target, semaphore& places)
{
    working_task working(ctx, id, spec, places, co_await ctx.at_rest(places.acquire(spec.priority)));
    const auto had = co_await ctx.perform(start_over{id});
    for (;;) {
        co_await working.make_worktree();
        const auto brought = co_await ctx.perform(bring_change{id, had});
        const auto resolver = ctx.in().in().settings().landing.resolver.value_or("");
        const auto report =
            co_await working.ask({id, {}, resolver, feedback_on(conflict, brought, target), {}, 0, false});
        if (report.begins_again) continue;
        if (!report.done) {
            co_await record_agent_failure(ctx, id, report);
            co_return false;
        }
        co_await ctx.perform(check_markers{id, brought.conflicts});
        const auto work = co_await commit_work(ctx, working, id, report, true);
        if (work.made.begins_again) continue;
        co_return !work.made.tip.empty() && work.completed && !needs_a_look(work.made);
    }
}

/// Lands what the task made; a conflict goes to an agent as often as is allowed. True: it is done with.
awaitable<bool> land_work(context& ctx, const std::string& id, const task_spec& spec, semaphore& places)
{
    const auto& settings = ctx.in().in().settings().landing;
    const auto most = spec.on_conflict == conflict_policy::retry ? settings.resolutions.value_or(2) : 0;
    const auto target = landing_target_of(id, spec);
    for (std::size_t resolutions = 0;; ++resolutions) {
        const auto landed = co_await ctx.perform(land{id, target, *spec.land, spec.gates});
        if (landed.is != verdict::conflicted || resolutions == most) co_return landed.is_done();
        const auto& named = named_target(ctx.in(), spec, target);
        if (!co_await resolve(ctx, id, spec, landed, named, places)) co_return false;
    }
}

} // namespace

awaitable<void> run_task(context& ctx, std::string id, task_spec spec, semaphore& places,
                         semaphore::lease place)
{
    working_task working(ctx, id, spec, places, std::move(place));
    committed_work work;
    for (;;) {
        co_await working.take_place();
        co_await working.make_worktree();
        const auto report = co_await let_agent_work(ctx, working, id, spec);
        if (report.begins_again) continue;
        working.give_place_back();
        if (report.is_undecided && co_await hold_for_person(ctx, working, id, report)) co_return;
        if (report.is_undecided) continue;
        if (!report.done) {
            co_await record_agent_failure(ctx, id, report);
            co_return;
        }
        work = co_await commit_work(ctx, working, id, report, spec.land.has_value());
        if (!work.made.begins_again) break;
    }
    if (!spec.land || !work.completed) co_return;
    if (needs_a_look(work.made)) co_return;
    if (work.made.tip.empty() && work.left_elsewhere) co_return; // its worktree knows where that is
    const bool done_with = work.made.tip.empty() || co_await land_work(ctx, id, spec, places);
    if (done_with && !spec.keep_worktree) co_await ctx.perform(remove_worktree{id});
}

} // namespace graftline::effects
