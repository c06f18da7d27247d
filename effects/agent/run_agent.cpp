#include "graftline/effects/agent/run_agent.hpp"

#include "graftline/agents/agent/agent.hpp"
#include "graftline/agents/agent/agent_environment.hpp"
#include "graftline/agents/agent/output_reader.hpp"
#include "graftline/agents/agent/ports.hpp"
#include "graftline/agents/agent/prompt.hpp"
#include "graftline/agents/text/placeholders.hpp"
#include "graftline/effects/agent/agent_output.hpp"
#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/effects/checkout/worktree_command.hpp"
#include "graftline/effects/run/retry_policy.hpp"
#include "graftline/effects/store/agent_files.hpp"
#include "graftline/effects/worktree/branch_back.hpp"
#include "graftline/effects/worktree/create_worktree.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"
#include "graftline/effects/worktree/save_work.hpp"
#include "graftline/git/refs/dead_locks.hpp"
#include "graftline/git/repository/state_folder.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/async/scope.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/files/disk_probe.hpp"
#include "graftline/runtime/files/follow.hpp"
#include "graftline/runtime/process/disk_session.hpp"
#include "graftline/runtime/process/process_tree.hpp"
#include "graftline/runtime/supervisor/attempt_files.hpp"
#include "graftline/runtime/supervisor/claimed_attempt.hpp"
#include "graftline/runtime/supervisor/supervised.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>

namespace graftline::effects {
namespace {

std::vector<std::string> own_environment()
{
    std::vector<std::string> all;
    for (char** entry = ::environ; entry && *entry; ++entry)
        all.emplace_back(*entry);
    return all;
}

result<agents::agent_definition> definition_of(const run_agent& asked, const task& t, const project& in)
{
    const auto& name = asked.agent.empty() ? t.spec.agent : asked.agent;
    if (!name.empty()) return agents::find_agent(name, in.settings().agents);
    return agents::agent_for_command(t.spec.command);
}

/// A block of ports that no other running task has, and nobody else on this machine uses.
awaitable<agents::port_block> ports_for(run& r, const task& t)
{
    co_return co_await r.in().must_store([&](store& s) {
        for (;;) { // another process may be quicker
            auto block = agents::reserve_ports(s.ports_given(t.id)).value();
            if (s.give_ports(t.id, block.first())) return block;
        }
    });
}

/// Does it need what an earlier agent of the task left in the worktree, or what was put there for it?
bool goes_on_with_work(const run_agent& asked, const task& t)
{
    const bool later_stage =
        !asked.stage.empty() && !t.spec.stages.empty() && asked.stage != t.spec.stages.front().name;
    return later_stage || !asked.feedback.empty();
}

/// One attempt on its way.
class agent_attempt {
public:
    agent_attempt(run& r, const run_agent& asked, task t, agents::agent_definition agent)
        : run_(r), asked_(asked), task_(std::move(t)), agent_(std::move(agent)), reader_(agent_.output),
          errors_(agents::output_format::plain)
    {
    }

    /// What an earlier process began in the same place: none when there is nothing to take over.
    awaitable<result<std::optional<agent_report>>> take_over()
    {
        while (std::filesystem::is_directory(task_.attempt)) {
            auto alive = co_await supervised::adopt(task_.attempt);
            if (!alive) co_return alive.error();
            if (*alive) {
                files_.emplace(task_.attempt);
                if (task_.port_base) ports_.emplace(agents::reserve_ports_at(task_.port_base));
                run_.watcher().doing(task_.id, "agent, adopted");
                co_await asio::this_coro::throw_if_cancelled(false); // it lives: its end is awaited
                const auto ended = co_await follow_to_end(**alive);
                co_return co_await told(ended);
            }
            const auto record = read_exit_record(task_.attempt);
            if (!record) co_return record.error();
            if (*record) {
                // Ended by an interruption, or never begun: that is no outcome.
                if ((*record)->how == ending::cancelled && !task_.cancel_asked) {
                    if (auto saved = co_await save_state(); !saved) co_return saved.error();
                    co_return std::nullopt;
                }
                files_.emplace(task_.attempt);
                co_await follow_what_is_there();
                auto said = co_await concluded(**record);
                if (!said) co_return said.error();
                co_return std::optional(std::move(*said));
            }
            const auto identity = read_identity(task_.attempt);
            if (!identity) co_return identity.error();
            if (*identity) {
                if (auto saved = co_await count_lost(); !saved) co_return saved.error();
                co_return std::nullopt;
            }
            const auto never = declare_unstarted();
            if (!never) co_return never.error();
            if (*never) {
                co_await drop_temporary_of(task_.attempt);
                co_return std::nullopt;
            }
        }
        co_return std::nullopt;
    }

    /// Nullopt: its supervisor was killed, and it with it; what it left is saved.
    awaitable<result<std::optional<agent_report>>> make(const std::string& place)
    {
        if (auto there = co_await need_worktree(); !there) co_return there.error();
        // A git that died with an earlier attempt would make each git of this one fail.
        auto freed = co_await git::drop_locks_left_in(run_.repository(), task_.worktree, task_.branch);
        if (!freed) co_return freed.error();
        ports_.emplace(co_await ports_for(run_, task_));
        auto write = [&] {
            files_.emplace(run_.in(), task_, asked_.stage);
            return prepare(ports_->first());
        };
        co_await tidy(); // of an attempt before, in this call
        auto spec = co_await offload(write);
        if (!spec) co_return spec.error();
        if (!co_await record_start(place)) co_return std::optional(cancelled_before_it_began());
        files_->make_temporary(task_.id);
        run_.watcher().doing(task_.id, asked_.stage.empty() ? "agent" : "agent: " + asked_.stage);
        auto started = co_await supervised::start(run_.in().supervisor_command, std::move(*spec));
        if (!started) co_return started.error();
        co_await asio::this_coro::throw_if_cancelled(false); // it lives: its end is awaited
        auto let_others_read = [this] {
            git::settle_access_of(run_.in().state_folder(), {run_.in().log_folder(task_.id)});
        };
        co_await shielded(offload(std::move(let_others_read)));
        const auto ended = co_await follow_to_end(*started);
        co_return co_await told(ended);
    }

    awaitable<result<agent_report>> reported(std::string place, bool began)
    {
        if (began) {
            auto taken = co_await take_over();
            if (!taken) co_return taken.error();
            if (*taken) co_return std::move(**taken);
        }
        if (auto alone = co_await be_alone(); !alone) co_return alone.error();
        for (;;) {
            auto made = co_await make(place);
            if (!made) co_return made.error();
            if (*made) co_return std::move(**made);
        }
    }

    /// Once its agent has ended, or was never started.
    awaitable<void> tidy()
    {
        if (files_) co_await files_->drop_temporary();
    }

private:
    /// An attempt whose folder is gone cannot be adopted, and may live: two agents would work in one
    /// worktree.
    awaitable<result<void>> be_alone()
    {
        if (task_.attempts == 0 || task_.worktree.empty() || std::filesystem::is_directory(task_.attempt))
            co_return result<void>();
        auto end = [this] { return end_attempts_with("GRAFTLINE_WORKTREE", task_.worktree); };
        if (co_await offload(std::move(end)) == 0) co_return result<void>();
        auto saved = co_await save_state();
        if (saved)
            run_.watcher().note(
                "An agent of " + task_.id +
                " of which nothing was known any more still worked: it was ended, and what it "
                "had made is saved.");
        co_return saved;
    }

    /// Somebody may have deleted its folder while nobody worked in it.
    awaitable<result<void>> need_worktree()
    {
        auto now = co_await follow_worktree(run_, task_);
        if (!now) co_return now.error();
        task_ = std::move(*now);
        const auto there = is_worktree_there(task_);
        if (!there) co_return there.error();
        if (*there && task_.worktree_ready) { // or a death left it half made, right here
            auto ours =
                git::check_worktree(run_.repository(), task_.worktree, lock_reason(task_.id), task_.branch);
            if (ours) ours = co_await bring_branch_back(run_, task_);
            co_return ours;
        }
        auto again = co_await create_worktree{task_.id}.carry_out(run_);
        if (!again) co_return again.error();
        run_.watcher().note("The worktree of " + task_.id + " was gone: it was made again from its branch.");
        task_ = co_await run_.find(task_.id);
        co_return result<void>();
    }

    /// Nullopt when that is no outcome: its supervisor was killed. What it left is saved then.
    awaitable<result<std::optional<agent_report>>> told(const exit_record& ended)
    {
        auto said = co_await concluded(ended);
        if (!said) co_return said.error();
        if (ended.how != ending::lost) co_return std::optional(std::move(*said));
        if (auto saved = co_await count_lost(); !saved) co_return saved.error();
        co_return std::nullopt;
    }

    awaitable<result<agent_report>> concluded(const exit_record& ended)
    {
        auto read = [&] {
            return report_of(ended, reader_, *files_, {asked_.decides, !asked_.stage.empty()});
        };
        auto report = co_await offload(read);
        // On a disk that takes nothing any more, no agent can do its work: that is no outcome of its.
        const bool by_itself = ended.how == ending::exited || ended.how == ending::lost;
        if (by_itself)
            if (auto usable = co_await check_disks(ended, report); !usable) {
                forget_end(files_->folder());
                co_return usable.error().with("agent", report.how);
            }
        co_await record_end(report);
        if (!report.denied.empty())
            run_.watcher().note(agent_.name + " was not allowed, in " + task_.id + ": " + report.denied);
        co_return report;
    }

    /// Could the disks be written to, as far as can be seen? Many an agent does not notice when they could
    /// not, and ends well with files that are cut off.
    awaitable<result<void>> check_disks(const exit_record& ended, const agent_report& report)
    {
        if (!ended.full_disk.empty())
            co_return fault(errc::no_space, "the disk was full while the agent worked: " + ended.full_disk)
                .advise("Make room; what the agent wrote may be cut off, so it is started again.");
        auto written = co_await try_writing(disks(), report.done ? probe::accepted : probe::flushed);
        if (!written && is_of_the_environment(written.error())) co_return written.error();
        co_return result<void>();
    }

    std::vector<std::filesystem::path> disks() const
    {
        return {task_.worktree, run_.repository().common_dir() / "objects", run_.in().state_folder(),
                files_->temporary()};
    }

    /// Nobody has claimed the attempt: from now on nobody can, so that a supervisor that the dead process has
    /// just started does not begin. False: it was quicker, and is to be looked at again.
    result<bool> declare_unstarted() const
    {
        const std::filesystem::path folder = task_.attempt;
        const auto claim = claimed_attempt::take(attempt_spec(folder, {}));
        if (!claim && (claim.error().is(errc::busy) || claim.error().is(errc::exists))) return false;
        if (!claim) return claim.error();
        exit_record never;
        never.how = ending::cancelled;
        never.words = "never started";
        never.started_at = never.ended_at = real_clock().now();
        auto written = attempt::replace_file(folder / attempt::exit_name, attempt::to_json(never));
        if (!written) return written.error();
        return true;
    }

    /// A crash took the agent along: what it left is saved before the next one goes on with it.
    awaitable<result<void>> count_lost()
    {
        constexpr int most_lost = 3;
        if (task_.lost_attempts >= most_lost)
            co_return fault(errc::could_not_start,
                            "its agent was lost to crashes " + std::to_string(most_lost) + " times")
                .with("task", task_.id)
                .advise("graftline retry " + task_.id + " starts it again.");
        if (auto saved = co_await save_state(); !saved) co_return saved.error();
        task_ = co_await run_.change(task_.id, [](task& now) { ++now.lost_attempts; });
        co_return result<void>();
    }

    /// What lies in the worktree, before the next agent goes on with it.
    awaitable<result<void>> save_state()
    {
        auto saved = co_await save_work(run_, task_.id);
        if (saved) task_ = co_await run_.find(task_.id);
        co_return saved;
    }

    result<attempt_spec> prepare(int ports)
    {
        const auto feedback =
            asked_.feedback.empty() ? earlier_attempt(task_, agent_.output) : asked_.feedback;
        agents::agent_context context;
        context.id = task_.id;
        context.key = task_.key;
        context.description = task_.spec.description;
        context.prompt = task_.spec.prompt;
        context.prompt_file = files_->prompt();
        context.worktree = task_.worktree;
        context.branch = task_.branch;
        context.base = task_.base;
        context.target = target_of(task_);
        context.plan = task_.spec.plan;
        context.stage = asked_.stage;
        context.priority = task_.spec.priority;
        context.attempt = task_.attempts + 1;
        if (!feedback.empty()) context.feedback_file = files_->feedback();
        context.port_base = ports;
        context.temporary = files_->temporary();
        context.result_file = files_->result_file();
        context.decides = asked_.decides;
        context.is_sandboxed = agent_.is_sandboxed;
        context.git = rules_in(run_.repository(), task_.worktree);
        context.extra = {agent_.env, task_.spec.env};
        // Whoever is no language model is asked what its configuration says; its stage may say otherwise.
        if (agent_.wants_rules || !asked_.prompt.empty())
            context.prompt = agents::stage_prompt(context, asked_.prompt);
        if (agent_.wants_rules) context.prompt = agents::prompt_with_rules(context, feedback);
        write_private(files_->prompt(), context.prompt);
        if (!feedback.empty()) write_private(files_->feedback(), feedback);

        auto words = agents::fill_words(agent_.command, agents::placeholders_of(context));
        if (!words) return words.error();
        attempt_spec spec(files_->folder(), std::move(*words));
        spec.cwd = task_.worktree;
        spec.environment = agents::agent_environment(own_environment(), context);
        if (agent_.prompt == agents::prompt_via::standard_input) spec.standard_input = files_->prompt();
        spec.timeout = time_for_attempt();
        spec.grace = std::chrono::milliseconds(task_.spec.grace_ms);
        spec.log_limit = run_.in().settings().limits.log.value_or(spec.log_limit);
        return spec;
    }

    /// What is left of the task's time, and no more than one attempt may take.
    std::optional<std::chrono::milliseconds> time_for_attempt() const
    {
        auto time = task_.spec.attempt_timeout_ms;
        if (const auto all = task_.spec.timeout_ms) {
            const auto left = std::max<std::int64_t>(*all - asked_.spent_ms, 1);
            time = std::min(time.value_or(left), left);
        }
        if (!time) return std::nullopt;
        return std::chrono::milliseconds(*time);
    }

    /// Before it starts: whoever finds the task later finds the attempt, and so the agent. False when the
    /// task was cancelled meanwhile: no agent starts.
    awaitable<bool> record_start(const std::string& place)
    {
        const auto session = disk_session_of(task_.worktree);
        auto record = [&](task& now) {
            if (now.cancel_asked) return;
            ++now.attempts;
            now.attempt = files_->folder().string();
            if (now.attempt_for != place) now.lost_attempts = 0;
            now.attempt_for = place;
            now.attempt_boot = session;
            now.log = files_->output().string();
            now.exit_code.reset();
            now.signal.reset();
        };
        // No agent outlives a power cut: it begins again, when it is on the disk that one may have been at
        // work.
        const auto when = task_.attempt_boot == session ? lasting::with_the_next : lasting::at_once;
        const auto now = co_await run_.change(task_.id, record, when);
        co_return !now.cancel_asked;
    }

    static agent_report cancelled_before_it_began()
    {
        agent_report report;
        report.how = report.ending = to_string(ending::cancelled);
        return report;
    }

    /// A caller that is cancelled already says throw_if_cancelled(false) before: the agent is ended then.
    awaitable<exit_record> follow_to_end(supervised& agent)
    {
        const auto executor = co_await asio::this_coro::executor;
        follower output(executor, files_->output()), errors(executor, files_->errors());
        scope readers(executor);
        heard_at_ = std::chrono::steady_clock::now();
        readers.spawn(follow_output(run_, task_.id, output, reader_, heard_at_));
        readers.spawn(follow_output(run_, task_.id, errors, errors_, heard_at_));
        scope guards(executor);
        if (task_.spec.idle_timeout_ms) guards.spawn(end_when_idle(agent));
        exit_record ended;
        std::exception_ptr stopped;
        co_await asio::this_coro::throw_if_cancelled(true);
        try {
            ended = co_await agent.wait();
        } catch (...) {
            stopped = std::current_exception();
        }
        co_await asio::this_coro::throw_if_cancelled(false);
        if (stopped) {
            run_.watcher().doing(task_.id, "ending its agent");
            agent.cancel();
            co_await shielded(agent.wait());
        }
        guards.cancel();
        output.finish();
        errors.finish();
        co_await shielded(guards.join());
        co_await shielded(readers.join());
        co_await asio::this_coro::throw_if_cancelled(true);
        if (stopped) std::rethrow_exception(stopped);
        if (is_idle_ && ended.how == ending::cancelled) {
            ended.how = ending::timed_out;
            ended.words =
                "ended: it said nothing for " + std::to_string(*task_.spec.idle_timeout_ms / 1000) + " s";
        }
        co_return ended;
    }

    /// An agent that hangs says nothing; one that works says what it does.
    awaitable<void> end_when_idle(supervised& agent)
    {
        const std::chrono::milliseconds longest(*task_.spec.idle_timeout_ms);
        asio::steady_timer timer(co_await asio::this_coro::executor);
        for (;;) {
            const auto until = heard_at_ + longest;
            if (until <= std::chrono::steady_clock::now()) break;
            timer.expires_at(until);
            co_await timer.async_wait(use_awaitable);
        }
        is_idle_ = true;
        agent.cancel();
    }

    /// What an agent printed that ended unseen: for its usage and its troubles.
    awaitable<void> follow_what_is_there()
    {
        const auto executor = co_await asio::this_coro::executor;
        follower output(executor, files_->output());
        output.finish();
        co_await follow_output(run_, task_.id, output, reader_, heard_at_);
    }

    awaitable<void> record_end(const agent_report& report)
    {
        auto record = [&](task& now) {
            now.exit_code = report.exit_code;
            now.signal = report.signal;
            if (!report.usage) return;
            now.usage = now.usage ? *now.usage + *report.usage : *report.usage; // stages and retries add up
        };
        // It is promised with what it made, which is flushed when that is committed: until then
        // `attempt_boot` says that a power cut takes both.
        co_await run_.change(task_.id, record, lasting::with_the_next);
    }

    run& run_;
    const run_agent& asked_;
    task task_;
    agents::agent_definition agent_;
    std::optional<agent_files> files_;
    std::optional<agents::port_block> ports_;
    std::chrono::steady_clock::time_point heard_at_{}; ///< when it last printed something
    bool is_idle_ = false;                             ///< it was ended for printing nothing
    agents::output_reader reader_;
    agents::output_reader errors_;
};

} // namespace

awaitable<result<agent_report>> run_agent::carry_out(run& r, const effect_place& here) const
{
    auto t = co_await r.find(task);
    if (was_set_aside(t) && goes_on_with_work(*this, t)) {
        agent_report again;
        again.how = "the machine went down, and what it was to go on with is gone";
        again.ending = to_string(ending::lost);
        again.begins_again = true;
        co_return again;
    }
    auto who = definition_of(*this, t, r.in());
    if (!who) co_return fault(who.error()).with("task", task);
    const auto place = r.id() + "/" + here.path;
    const bool began = here.attempt > 1 && t.attempt_for == place;
    agent_attempt mine(r, *this, std::move(t), std::move(*who));
    result<agent_report> report = fault(errc::internal, "no report");
    std::exception_ptr escaped;
    try {
        report = co_await mine.reported(place, began);
    } catch (...) {
        escaped = std::current_exception();
    }
    const bool heeds = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    co_await mine.tidy();
    co_await asio::this_coro::throw_if_cancelled(heeds);
    if (escaped) std::rethrow_exception(escaped);
    co_return report;
}

} // namespace graftline::effects
