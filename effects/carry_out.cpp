#include "graftline/effects/carry_out.hpp"

#include "graftline/effects/finish_line.hpp"
#include "graftline/effects/landing/taken_landing.hpp"
#include "graftline/effects/radar/radar_watch.hpp"
#include "graftline/effects/run/strand_watch.hpp"
#include "graftline/effects/run_task.hpp"
#include "graftline/effects/task_end.hpp"
#include "graftline/effects/worktree/abandoned_gates.hpp"
#include "graftline/effects/worktree/moved_target.hpp"
#include "graftline/effects/worktree/save_work.hpp"
#include "graftline/effects/worktree/shared_watch.hpp"
#include "graftline/git/landing/move_target.hpp"
#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/async/shielded.hpp"
#include "graftline/runtime/files/open_files.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace graftline::effects {
namespace {

using namespace std::chrono_literals;

/// Thrown past the siblings under --fail-fast; what happened is in the failed task.
struct give_up : std::exception {};

bool did_what_was_asked(const task& t)
{
    if (t.state == task_state::merged) return true;
    return t.state == task_state::completed && (!t.spec.land || (t.commit.empty() && t.left.empty()));
}

/// Nothing that the others should be given up for.
bool is_left_for_later(const task& t)
{
    return t.state == task_state::pending;
}

/// The tasks of one run on their way.
class crew {
public:
    crew(run& r, asio::any_io_executor executor, const std::vector<std::string>& ids, std::size_t places,
         bool fail_fast)
        : run_(r), executor_(executor), places_(executor, places), most_(places), finish_(executor),
          fail_fast_(fail_fast)
    {
        for (const auto& id : ids)
            finish_.expect(id);
        // All that had begun before get places at once; from then on there are as many as there should be.
        if (r.is_resumed()) places_.resize(places + ids.size());
    }

    /// Carries one task to its end, whatever that is, and records it. Throws give_up, or what keeps the store
    /// from recording it; those who come after the task are let go in any case. Each task holds on to `all`:
    /// with a context that is destroyed they go in no particular order.
    static awaitable<void> carry(std::shared_ptr<crew> all, std::size_t index, std::string id)
    {
        co_await all->carry_one(index, std::move(id));
    }

private:
    awaitable<void> carry_one(std::size_t index, std::string id)
    {
        const replay::strand strand(run_.past());
        const auto crossed = std::shared_ptr<void>(nullptr, [this, id](void*) { finish_.cross(id); });
        if (run_.is_resumed() && !co_await is_open(index, id)) co_return;
        task_end how;
        try {
            co_await start(index, id);
        } catch (const fault_error& e) {
            how.failed = e.why();
        } catch (...) {
            how.escaped = std::current_exception();
        }
        co_await asio::this_coro::throw_if_cancelled(false); // its end is recorded, cancelled or not
        const auto t = co_await aside(shielded(record_end(run_, id, std::move(how))));
        if (!fail_fast_ || run_.stopping() || did_what_was_asked(t) || is_left_for_later(t)) co_return;
        run_.give_up();
        throw give_up{};
    }

    /// What the store is asked outside the program. Once the run is live no outcome of another strand waits
    /// for that; before, what is on record must not come until it is known who asks for it.
    template <class T> awaitable<T> aside(awaitable<T> asked)
    {
        if (!run_.past().is_live()) co_return co_await std::move(asked);
        co_return co_await run_.at_rest(std::move(asked));
    }

    /// Whether a task of a run that is gone on with is still to be carried out. What had ended is not asked
    /// for again.
    awaitable<bool> is_open(std::size_t index, const std::string& id)
    {
        const auto t = co_await aside(run_.find(id));
        using enum task_state;
        const bool over = t.state == cancelled || t.state == failed || t.state == discarded;
        if (t.owner == run_.id() && !over) co_return true;
        run_.past().skip(path_of(index));
        if (t.owner == run_.id()) co_await aside(run_.release(id));
        co_return false;
    }

    static std::string path_of(std::size_t index) { return "0." + std::to_string(index); }

    awaitable<void> start(std::size_t index, std::string id)
    {
        const auto t = co_await aside(run_.find(id));
        // That they were done is on record with a task that had begun, whatever they are now.
        const bool goes_on = run_.past().knows(path_of(index));
        if (!goes_on) {
            if (!co_await prerequisites_done(t)) co_return;
            co_await run_.past().wait_until_live();
            places_.resize(most_);
            run_.watcher().doing(id, "waiting for a free place");
        }
        auto place = co_await run_.at_rest(places_.acquire(t.spec.priority));
        if (!goes_on) {
            if (!co_await may_be_started(t, place)) co_return;
            co_await run_.at_rest(wait_for_resources(id));
        }
        if (run_.is_over()) throw interrupted{};
        if (!co_await claim(id, goes_on)) co_return;
        context ctx(run_, path_of(index));
        const replay::resting counted_by_context(run_.past());
        ++working_;
        const auto count_down = std::shared_ptr<void>(nullptr, [this](void*) { --working_; });
        auto spec = as_begun(run_, ctx.path(), t.spec);
        co_await run_task(ctx, id, std::move(spec), places_, std::move(place));
    }

    /// False when the task can never start: recorded then.
    awaitable<bool> prerequisites_done(const task& t)
    {
        for (const auto& before : t.spec.after) {
            run_.watcher().doing(t.id, "waiting for " + before);
            co_await run_.at_rest(finish_.wait_for(before));
            const auto other = co_await aside(run_.find(before));
            if (other.state == task_state::merged || other.state == task_state::completed) continue;
            if (run_.is_over()) throw interrupted{};
            auto record = [&](task& now) {
                now.state = task_state::cancelled;
                now.reason = "comes after " + before + ", which is " + std::string(to_string(other.state));
                now.finished_at = now_text();
            };
            co_await aside(run_.change(t.id, record));
            co_return false;
        }
        co_return true;
    }

    /// Waits, without its place, while the service that its agent works for turns agents away. False when its
    /// quota is spent: recorded then, and the task stays for a later run.
    awaitable<bool> may_be_started(const task& t, semaphore::lease& place)
    {
        const auto agent =
            agent_name_of(t.spec, t.spec.stages.empty() ? std::string() : t.spec.stages.front().agent);
        asio::steady_timer later(executor_);
        for (;;) {
            if (const auto* words = run_.pauses().spent(agent)) {
                auto record = [&](task& now) {
                    if (now.state == task_state::pending)
                        now.reason = "not started: " + agent + ": " + *words;
                };
                co_await aside(run_.change(t.id, record));
                co_return false;
            }
            const auto now = std::chrono::system_clock::now();
            const auto until = run_.pauses().off_until(agent, now);
            if (!until || run_.is_over()) co_return true;
            place.release();
            run_.watcher().doing(t.id, "waiting: " + agent + " was turned away for now");
            later.expires_after(*until - now);
            co_await run_.at_rest(later.async_wait(use_awaitable));
            place = co_await run_.at_rest(places_.acquire(t.spec.priority));
        }
    }

    /// Waits while the machine is over the configured limits, unless nothing of ours runs that could end.
    awaitable<void> wait_for_resources(const std::string& id)
    {
        const auto& configured = run_.in().settings().limits;
        if (!configured.cpu && !configured.memory && !configured.disk_free) co_return;
        resource_limits limits;
        limits.cpu_percent = configured.cpu.value_or(1000);
        limits.memory_percent = configured.memory.value_or(1000);
        limits.disk_free_gb = static_cast<double>(configured.disk_free.value_or(0)) / (1024.0 * 1024 * 1024);
        asio::steady_timer again(executor_);
        for (;;) {
            const auto now = co_await read_resources(run_.in().state_folder(), cpu_);
            const auto reason = why_not(now, limits);
            const bool is_full = limits.disk_free_gb > 0 && now.disk_free_gb < limits.disk_free_gb;
            if (is_full && working_ == 0)
                throw fault_error(fault(errc::no_space, *reason).with("limit", "limits.disk_free"));
            if (!reason || working_ == 0) co_return;
            run_.watcher().doing(id, *reason);
            again.expires_after(1s); // readings have no event to wait for
            co_await again.async_wait(use_awaitable);
        }
    }

    /// The task's turn has come; false when it was cancelled while it waited. One that is gone on with may
    /// have got further than that.
    awaitable<bool> claim(const std::string& id, bool goes_on)
    {
        auto record = [&](task& now) {
            if (now.state != task_state::pending || now.owner != run_.id()) return;
            now.state = task_state::running;
            now.run = run_.id();
            now.earlier = std::exchange(now.reason, {});
            now.finished_at.clear();
            now.started_at = now_text();
        };
        const auto t = co_await aside(run_.change(id, record, lasting::with_the_next));
        co_return (t.state == task_state::running || goes_on) && t.owner == run_.id();
    }

    run& run_;
    asio::any_io_executor executor_;
    semaphore places_;
    std::size_t most_;
    finish_line finish_;
    cpu_meter cpu_;
    bool fail_fast_;
    int working_ = 0;
};

/// As many places as there may be descriptors for: with too few of them nothing at all could be started, and
/// the run would end. Those that find no place wait for one.
std::size_t places_for(std::size_t wanted, std::size_t tasks, observer& watcher)
{
    constexpr std::size_t of_all = 64, of_one = 8; // an agent's logs and process, or a git's, and to spare
    const auto left = descriptors_left();
    const auto possible = std::max<std::size_t>(1, (left - std::min(left, of_all)) / of_one);
    if (std::min(wanted, tasks) > possible)
        watcher.note("At most " + std::to_string(possible) + " tasks are carried out at once: only " +
                     std::to_string(left) + " more files may be opened. Allow more: ulimit -n");
    return std::min(wanted, possible);
}

/// Takes all tasks, or none.
awaitable<void> take_all(run& r, const std::vector<std::string>& ids, const std::function<void(task&)>& ready)
{
    std::optional<fault> refused;
    std::size_t taken = 0;
    for (; taken < ids.size() && !refused; ++taken)
        try {
            co_await r.take(ids[taken], ready);
        } catch (const fault_error& e) {
            refused = e.why();
        }
    if (!refused) co_return;
    for (std::size_t i = 0; i < taken; ++i)
        co_await r.release(ids[i]);
    throw fault_error(*refused);
}

/// A fault of the store, or a bug, that a task's coroutine could not record; being stopped is none.
void rethrow_what_matters(const std::exception_ptr& escaped)
{
    if (!escaped) return;
    try {
        std::rethrow_exception(escaped);
    } catch (const give_up&) {
    } catch (const interrupted&) {
    } catch (const boost::system::system_error& e) {
        if (e.code() != asio::error::operation_aborted) throw;
    }
}

/// How a run is stopped from outside while it is carried out: by its button, by the cancellation of whoever
/// waits for it, by a fault of the machine. Each first ends the beginning of effects, then cancels what is
/// carried out. Shared with what is posted, which may come after the run's end; nothing else holds it then.
class stop_line : public std::enable_shared_from_this<stop_line> {
public:
    stop_line(std::shared_ptr<run> of, stop_button& button) : run_(std::move(of)), button_(button) {}

    /// Listens from now on.
    void connect(bool says_why)
    {
        button_.on_press = [line = weak_from_this()] {
            if (const auto alive = line.lock()) alive->pull();
        };
        run_->on_environment_fault = [line = weak_from_this(), says_why] {
            if (const auto alive = line.lock()) alive->environment_failed(says_why);
        };
        if (button_.pressed) run_->stop();
    }
    /// What happens from now on does not concern the run any more.
    void disconnect()
    {
        is_connected_ = false;
        button_.on_press = nullptr;
        run_->on_environment_fault = nullptr;
    }
    void press()
    {
        if (is_connected_) button_.press();
    }

    /// Carries `part` out, cancelled when the line is pulled. Suspends once before it: a spawned coroutine
    /// that is cancelled and ends without ever having waited makes Asio 1.26 throw out of the loop.
    awaitable<void> carry(awaitable<void> part)
    {
        auto begin = [](awaitable<void> its) -> awaitable<void> {
            co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
            co_await std::move(its);
        };
        co_await asio::co_spawn(run_->executor(), begin(std::move(part)),
                                asio::bind_cancellation_slot(stop_.slot(), use_awaitable));
    }

private:
    void pull()
    {
        run_->stop();
        stop_.emit(asio::cancellation_type::terminal);
    }
    void environment_failed(bool says_why)
    {
        if (says_why)
            run_->watcher().note("The run is stopped, and can be gone on with once this is mended:\n" +
                                 run_->environment_fault()->message());
        asio::post(run_->executor(), [line = weak_from_this()] {
            if (const auto alive = line.lock()) alive->stop_.emit(asio::cancellation_type::terminal);
        });
    }

    std::shared_ptr<run> run_;
    stop_button& button_;
    asio::cancellation_signal stop_;
    bool is_connected_ = true;
};

using run_body = std::function<awaitable<void>(run&)>;

/// Gates that a dead process left, as far as they can be cleared before the run is stopped. Those that cannot
/// be are in nobody's way: `clean` says why.
awaitable<void> clear_gates(run& r, stop_line& line)
{
    auto clear = [&]() -> awaitable<void> {
        co_await clear_abandoned_gates(r.in(), r.is_resumed() ? r.id() : std::string(), false);
    };
    try {
        if (!r.stopping()) co_await line.carry(clear());
    } catch (const std::exception& e) {
        if (!r.stopping())
            r.watcher().note(std::string("What a gate left behind could not be cleared away: ") + e.what());
    }
}

/// The body, with what goes on beside it, and the run's end.
awaitable<result<run_report>> carry_to_end(std::shared_ptr<run> of, std::shared_ptr<stop_line> line,
                                           const run_options& options, const std::vector<std::string>& ids,
                                           const run_body& body)
{
    auto& r = *of;
    const auto started = std::chrono::steady_clock::now();
    const auto begun_at = std::chrono::system_clock::now();
    if (is_gone_on_with(options.program)) co_await clear_gates(r, *line);
    co_await note_shared(r);
    // Beside what lands: git's own commit race leaves a landing undone in the user's index, which is mended
    // at once.
    r.beside().spawn(git::keep_index(r.repository()));
    r.beside().spawn(watch_for_overlaps(r));
    r.beside().spawn(watch_strands(r));
    std::optional<fault> failed;
    std::exception_ptr escaped;
    try {
        co_await line->carry(body(r));
    } catch (const fault_error& e) {
        failed = e.why();
    } catch (const give_up&) {
    } catch (const interrupted&) {
    } catch (...) {
        escaped = std::current_exception();
    }
    line->disconnect();
    r.beside().cancel();
    co_await r.beside().join();
    if (escaped && !r.stopping()) std::rethrow_exception(escaped);
    if (!failed && !r.is_over()) r.past().conclude();
    if (r.past().failure())
        failed = r.past().failure();
    else if (r.is_resumed())
        co_await end_agents_left(r, ids);
    if (!failed && !r.is_over()) {
        for (const auto& id : ids)
            co_await look_for_taken_landing(r, id);
        co_await say_left_behind(r, ids, begun_at);
    }
    shared_changes beside;
    if (!failed) beside = co_await look_at_changes(r);
    if (auto ended = co_await r.end(); !ended && !failed) failed = ended.error();
    if (failed) co_return *failed;

    run_report report;
    report.run = r.id();
    report.target = options.target;
    report.interrupted = r.stopping();
    report.environment_fault = r.environment_fault();
    report.beside = std::move(beside);
    report.duration_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    for (const auto& id : ids)
        report.tasks.push_back(co_await r.find(id));
    co_return report;
}

awaitable<result<std::shared_ptr<run>>> begin_or_resume(std::shared_ptr<project> in,
                                                        const std::vector<std::string>& ids,
                                                        const run_options& options, observer& watcher)
{
    if (!options.resume.empty()) co_return co_await run::resume(in, options.resume, watcher);
    run_record record;
    record.program = options.program;
    record.revision = program_revision;
    record.arguments = options.arguments;
    record.arguments["max"] = options.max;
    record.arguments["fail_fast"] = options.fail_fast;
    record.arguments["speculation"] = options.speculation;
    record.tasks = ids;
    record.target = options.target;
    co_return co_await run::begin(in, record, watcher, options.fresh);
}

awaitable<result<run_report>> carry_run(std::shared_ptr<project> in, std::vector<std::string> ids,
                                        run_options options, observer& watcher, stop_button& button,
                                        run_body body)
{
    // Whoever cancels us presses the button, and hears how the run ended.
    const bool heeds = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    auto begun = co_await shielded(begin_or_resume(in, ids, options, watcher));
    if (!begun) {
        co_await asio::this_coro::throw_if_cancelled(heeds);
        co_return begun.error();
    }
    const auto line = std::make_shared<stop_line>(*begun, button);
    line->connect(is_gone_on_with(options.program));
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) line->press();
    // Awaiting anything clears the slot: it is set last, for the one await that everything else is in.
    if (auto outer = state.slot(); outer.is_connected())
        outer.assign([line = std::weak_ptr(line)](asio::cancellation_type) {
            if (const auto alive = line.lock()) alive->press();
        });
    auto report = co_await shielded(carry_to_end(*begun, line, options, ids, body));
    co_await asio::this_coro::throw_if_cancelled(heeds);
    co_return report;
}

} // namespace

awaitable<result<run_report>> as_run(std::shared_ptr<project> in, std::vector<std::string> ids,
                                     run_options options, observer& watcher, stop_button& button,
                                     std::function<awaitable<void>(run&)> body)
{
    auto report =
        co_await carry_run(std::move(in), std::move(ids), std::move(options), watcher, button, body);
    if (report && report->environment_fault) co_return *report->environment_fault;
    co_return report;
}

awaitable<result<run_report>> carry_out(std::shared_ptr<project> in, std::vector<std::string> ids,
                                        run_options options, observer& watcher, stop_button& button,
                                        std::function<void(task&)> ready)
{
    const auto executor = co_await asio::this_coro::executor;
    cpu_meter cpu;
    auto places = options.max;
    if (places == 0) places = default_parallelism(co_await read_resources(in->state_folder(), cpu));
    places = places_for(places, ids.size(), watcher);

    auto body = [&](run& r) -> awaitable<void> {
        r.speculate(options.speculation);
        if (!r.is_resumed() && options.fresh.empty()) co_await take_all(r, ids, ready);
        const auto all = std::make_shared<crew>(r, executor, ids, places, options.fail_fast);
        std::vector<std::pair<std::size_t, std::string>> numbered;
        for (std::size_t i = 0; i < ids.size(); ++i)
            numbered.emplace_back(i, ids[i]);
        auto carry = [&](std::pair<std::size_t, std::string> one) {
            return crew::carry(all, one.first, one.second);
        };
        auto outcomes = co_await parallel::map(std::move(numbered), carry,
                                               parallel::options().fail_fast(options.fail_fast));
        for (auto& o : outcomes)
            rethrow_what_matters(o.error());
    };
    co_return co_await carry_run(std::move(in), ids, options, watcher, button, body);
}

} // namespace graftline::effects
