#include "tests/effects/simulated_world.hpp"

#include "graftline/runtime/async/semaphore.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "tests/effects/held_batches.hpp"

#include <algorithm>

namespace graftline::effects {

std::shared_ptr<run> simulation::begin(const asio::any_io_executor& loop,
                                       std::shared_ptr<journal_storage> storage, std::int64_t number,
                                       std::vector<journal_record> past)
{
    static observer nobody;
    std::shared_ptr<project> in(new project(loop, journal(loop, std::move(storage))));
    run_record record;
    record.id = "run-simulated";
    record.number = number;
    std::shared_ptr<run> begun(new run(std::move(in), std::move(record), nobody, file_lock::lease(), loop));
    begun->resumed_ = !past.empty();
    for (auto& one : past)
        begun->past().take(std::move(one));
    return begun;
}

} // namespace graftline::effects

namespace graftline::test {

using effects::context;
using effects::journal_record;

namespace {

struct script;

/// What the effects of one life look at. Outlives its loop.
struct world {
    dice& random;
    manual_clock time;
    std::vector<script*> open; ///< in the order in which they began
    std::size_t asleep = 0;    ///< effects that wait for the clock
    std::shared_ptr<held_batches> records;
    life_report report;
    std::uint64_t shared = 0;
    int altered = -1;

    void complain(const std::string& what)
    {
        if (report.wrong.empty()) report.wrong = what;
    }
    void see(bool is_outcome, std::string text) { report.seen.push_back({is_outcome, std::move(text)}); }
};

world* present = nullptr; // tests run one at a time

/// An effect that waits for the schedule to end it.
struct script {
    script(world& of, const asio::any_io_executor& loop)
        : in(of), bell(loop, asio::steady_timer::time_point::max())
    {
        in.open.push_back(this);
    }
    ~script() { std::erase(in.open, this); }
    script(const script&) = delete;
    script& operator=(const script&) = delete;

    world& in;
    asio::steady_timer bell;
    bool rung = false;
};

struct number {
    std::int64_t value = 0;
};
BOOST_DESCRIBE_STRUCT(number, (), (value))

[[noreturn]] void throw_aborted()
{
    throw boost::system::system_error(asio::error::operation_aborted);
}

/// Until the schedule ends it. Result: false when it was cancelled before and gives in.
awaitable<bool> wait_for_the_schedule(world& in, bool gives_in)
{
    script mine(in, co_await asio::this_coro::executor);
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!mine.rung) {
        const auto asked = (co_await asio::this_coro::cancellation_state).cancelled();
        if (gives_in && asked != asio::cancellation_type::none) co_return false;
        co_await mine.bell.async_wait(asio::as_tuple(use_awaitable));
    }
    co_return true;
}

/// What all scripted effects do. Nothing of it follows from the arguments: an outcome that is on record, and
/// not the one that carrying it out again would give, must be delivered again.
awaitable<result<number>> act()
{
    auto& in = *present;
    auto& random = in.random;
    ++in.report.begun;
    const bool heeds = co_await asio::this_coro::throw_if_cancelled();
    if (random.one_in(3)) {
        ++in.asleep;
        const auto up = std::shared_ptr<void>(nullptr, [&in](void*) { --in.asleep; });
        co_await in.time.wait_for(std::chrono::milliseconds(1 + random.roll(1000)));
    }
    if (!random.one_in(4) && !co_await wait_for_the_schedule(in, !random.one_in(3))) {
        if (random.one_in(4)) co_return fault(errc::busy, "given up");
        throw_aborted();
    }
    const auto given = static_cast<std::int64_t>(random.roll(1'000'000));
    co_await asio::this_coro::throw_if_cancelled(heeds);
    if (random.one_in(4)) co_return fault(errc::busy, "failed").with("with", std::to_string(given));
    if (random.one_in(12)) throw fault_error(fault(errc::timed_out, "thrown"));
    co_return number{given};
}

struct scripted {
    static constexpr std::string_view kind = "scripted";
    using outcome = number;
    int id = 0;
    int attempt = 0;
    std::int64_t asked = 0;

    awaitable<result<number>> carry_out(effects::run&, const effects::effect_place& here) const
    {
        auto& records = *present->records;
        if (!records.is_requested(here.path))
            present->complain(here.path + ": began before its request was on record");
        if (records.is_resolved(here.path))
            present->complain(here.path + ": carried out again though it was resolved on record");
        return act();
    }
};
BOOST_DESCRIBE_STRUCT(scripted, (), (id, attempt, asked))

struct scripted_pure {
    static constexpr std::string_view kind = "pure";
    static constexpr bool is_pure = true;
    using outcome = number;
    int id = 0;
    int attempt = 0;
    std::int64_t asked = 0;

    awaitable<result<number>> carry_out(effects::run&, const effects::effect_place& here) const
    {
        if (present->records->is_resolved(here.path))
            present->complain(here.path + ": carried out again though it was resolved on record");
        return act();
    }
};
BOOST_DESCRIBE_STRUCT(scripted_pure, (), (id, attempt, asked))

/// Carries a program out, and writes down what it sees.
class interpreter {
public:
    interpreter(world& in, effects::run& r, semaphore& places) : in_(in), run_(r), places_(places) {}

    awaitable<void> go(context& ctx, const part& p)
    {
        switch (p.is) {
        case part::form::effect: return effect(ctx, p);
        case part::form::sequence: return sequence(ctx, p);
        case part::form::map: return map(ctx, p);
        case part::form::race: return race(ctx, p);
        case part::form::section: return section(ctx, p);
        case part::form::pause: return pause(ctx, p);
        }
        throw std::logic_error("a part of no form");
    }

private:
    /// What comes of a run's being stopped is no outcome, and not seen again.
    void see(const part& p, bool is_outcome, const std::string& what)
    {
        if (!is_outcome && run_.is_over()) return;
        in_.see(is_outcome, std::to_string(p.id) + " " + what);
    }
    void write_shared(const part& p, std::uint64_t what)
    {
        if (p.writes_shared) in_.shared = in_.shared * 31 + what + static_cast<std::uint64_t>(p.id);
    }

    template <class E> awaitable<result<number>> perform(context& ctx, const part& p, E e)
    {
        std::exception_ptr thrown;
        try {
            if (p.acts_on_faults) {
                auto outcome = co_await ctx.try_perform(e);
                see(p, true, outcome ? std::to_string(outcome->value) : outcome.error().message());
                co_return outcome;
            }
            const auto outcome = co_await ctx.perform(e);
            see(p, true, std::to_string(outcome.value));
            co_return outcome;
        } catch (const fault_error& f) {
            thrown = std::current_exception();
            see(p, true, f.why().message());
        } catch (const effects::cancelled&) {
            thrown = std::current_exception();
            see(p, true, "cancelled");
        }
        std::rethrow_exception(thrown);
    }

    awaitable<void> effect(context& ctx, const part& p)
    {
        for (int attempt = 0; attempt < p.tries; ++attempt) {
            const std::int64_t asked = (p.reads_shared ? static_cast<std::int64_t>(in_.shared >> 1) : 0) ^
                                       (in_.altered == p.id ? 1 : 0);
            scripted one{p.id, attempt, asked};
            scripted_pure pure{p.id, attempt, asked};
            const auto outcome = co_await (p.is_pure ? perform(ctx, p, pure) : perform(ctx, p, one));
            write_shared(p, outcome ? static_cast<std::uint64_t>(outcome->value) : 1);
            if (outcome) break;
        }
    }

    awaitable<void> sequence(context& ctx, const part& p)
    {
        for (const auto& one : p.parts) {
            if (!p.swallows) {
                co_await go(ctx, one);
                continue;
            }
            auto ended = co_await parallel::settle(go(ctx, one));
            if (!ended.has_value()) see(p, false, "goes on");
        }
    }

    awaitable<void> map(context& ctx, const part& p)
    {
        std::vector<const part*> items;
        for (const auto& one : p.parts)
            items.push_back(&one);
        auto each = [this](context& own, const part* one) { return go(own, *one); };
        const auto how = parallel::options().limit(p.limit).fail_fast(p.fails_fast);
        auto outcomes = co_await ctx.parallel.map(items, each, how);
        std::string ended;
        std::exception_ptr first;
        for (const auto& o : outcomes) {
            ended += o.has_value() ? '+' : '-';
            if (!first) first = o.error();
        }
        see(p, false, ended);
        write_shared(p, std::hash<std::string>{}(ended));
        if (first && p.is_strict) std::rethrow_exception(first);
    }

    awaitable<void> race(context& ctx, const part& p)
    {
        std::vector<effects::fan_out::child<int>> runners;
        for (const auto& one : p.parts)
            runners.push_back([this, &one](context& own) { return runner(own, one); });
        const auto winner = co_await ctx.parallel.race(std::move(runners));
        see(p, false, "won by " + std::to_string(winner.first));
        write_shared(p, winner.first);
    }
    awaitable<int> runner(context& ctx, const part& p)
    {
        co_await go(ctx, p);
        co_return 1;
    }

    awaitable<void> section(context& ctx, const part& p)
    {
        const auto place = co_await ctx.at_rest(places_.acquire(p.priority));
        see(p, false, "has the place");
        in_.shared = in_.shared * 31 + static_cast<std::uint64_t>(p.id);
        co_await go(ctx, p.parts.front());
    }

    /// For something outside, which takes its time anew in each life.
    awaitable<void> pause(context& ctx, const part& p)
    {
        std::exception_ptr thrown;
        try {
            co_await ctx.external(sleep_a_while());
            see(p, true, "back");
        } catch (const effects::cancelled&) {
            thrown = std::current_exception();
            see(p, true, "cancelled");
        }
        if (thrown) std::rethrow_exception(thrown);
    }
    awaitable<void> sleep_a_while()
    {
        auto& in = in_; // which outlives this
        ++in.asleep;
        const auto up = std::shared_ptr<void>(nullptr, [&in](void*) { --in.asleep; });
        co_await in.time.wait_for(std::chrono::milliseconds(in.random.roll(1000)));
    }

    world& in_;
    effects::run& run_;
    semaphore& places_;
};

/// The program, as the body of a run.
awaitable<void> body_of(std::shared_ptr<effects::run> r, const part& program, world& in)
{
    semaphore places(co_await asio::this_coro::executor, 1);
    interpreter carried(in, *r, places);
    std::exception_ptr failed;
    try {
        context ctx(*r, "0");
        co_await carried.go(ctx, program);
    } catch (...) {
        failed = std::current_exception();
    }
    if (!r->is_over()) in.see(false, failed ? "the program failed" : "the program ended");
}

/// Lets things happen, one at a time, until the program has ended or its process dies.
class schedule {
public:
    schedule(world& in, asio::io_context& loop, std::shared_ptr<effects::run> r, const life_plan& plan)
        : in_(in), loop_(loop), run_(std::move(r)), plan_(plan)
    {
    }
    ~schedule() { in_.records->drop(); }

    life_report::end carry_out(const part& program)
    {
        using end = life_report::end;
        bool finished = false;
        // What it throws is a bug of the test's: fault or not, a program's end is in its observations.
        asio::co_spawn(loop_, body_of(run_, program, in_),
                       asio::bind_cancellation_slot(stop_.slot(), [&](std::exception_ptr thrown) {
                           if (thrown) in_.complain("the program's body threw");
                           finished = true;
                       }));
        for (;;) {
            if (plan_.may_crash && in_.random.one_in(25)) {
                for (auto steps = in_.random.roll(6); steps > 0 && loop_.poll_one() > 0; --steps) {
                }
                if (in_.records->holds_one() && in_.random.one_in(2)) in_.records->keep();
                return end::crashed;
            }
            loop_.restart();
            // Several things may have happened before the program has dealt with the first.
            if (in_.random.one_in(4))
                for (auto steps = in_.random.roll(8); steps > 0 && loop_.poll_one() > 0; --steps) {
                }
            else
                loop_.poll();
            loop_.restart();
            if (something_happens()) continue;
            if (loop_.poll() > 0) continue; // there was more to do than was let happen above
            if (!finished) return end::hung;
            break;
        }
        if (run_->past().failure()) return end::diverged;
        if (unwritten_) return end::unwritten;
        return stopped_ ? end::stopped : end::done;
    }

private:
    /// False when nothing can.
    bool something_happens()
    {
        auto& random = in_.random;
        std::vector<script*> ringable;
        for (auto* one : in_.open)
            if (!one->rung) ringable.push_back(one);
        const std::size_t commits = in_.records->holds_one() ? 2 : 0;
        const std::size_t sleeps = in_.asleep > 0 ? 1 : 0;
        const auto all = commits + sleeps + ringable.size();
        if (all == 0) return false;
        if (plan_.may_be_stopped && !stopped_ && random.one_in(150)) interrupt();
        auto which = random.roll(all);
        if (which < commits) {
            commit();
        } else if (which < commits + sleeps) {
            in_.time.advance(std::chrono::milliseconds(1 + random.roll(700)));
        } else {
            auto* one = ringable[which - commits - sleeps];
            one->rung = true;
            one->bell.cancel();
        }
        return true;
    }

    void commit()
    {
        if (plan_.may_fail_to_write && in_.random.one_in(100)) {
            unwritten_ = true;
            in_.records->tell(fault(errc::no_space, "the disk is full"));
            return;
        }
        in_.records->keep();
        in_.records->tell(std::nullopt);
    }

    void interrupt()
    {
        stopped_ = true;
        in_.report.stopped_at = in_.report.seen.size();
        run_->stop();
        stop_.emit(asio::cancellation_type::terminal);
    }

    world& in_;
    asio::io_context& loop_;
    std::shared_ptr<effects::run> run_;
    life_plan plan_;
    asio::cancellation_signal stop_;
    bool stopped_ = false;
    bool unwritten_ = false;
};

} // namespace

life_report live(const part& program, dice& random, kept_records& kept, const life_plan& plan)
{
    world in{random, manual_clock(), {}, 0, std::make_shared<held_batches>(kept), {}, 0, plan.altered};
    present = &in;
    auto past = kept.read();
    for (const auto& r : past)
        in.records->note(r);
    auto loop = std::make_unique<asio::io_context>(1);
    {
        auto begun = effects::simulation::begin(loop->get_executor(), in.records, kept.run, std::move(past));
        schedule one(in, *loop, std::move(begun), plan);
        in.report.how = one.carry_out(program);
    }
    loop.reset(); // as a process does that dies: nothing is unwound by the program
    if (in.report.wrong.empty()) in.report.wrong = in.records->wrong();
    present = nullptr;
    return std::move(in.report);
}

} // namespace graftline::test
