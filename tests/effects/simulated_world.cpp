#include "tests/effects/simulated_world.hpp"

#include "graftline/runtime/semaphore.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <set>

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
using effects::journal_event;
using effects::journal_record;

std::size_t dice::roll(std::size_t sides)
{
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15); // splitmix64
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return static_cast<std::size_t>((z ^ (z >> 31)) % sides);
}

namespace {

/// No section in another: it would wait for itself.
part part_of(dice& random, int depth, int& count, bool may_wait = true)
{
    part made;
    made.id = count++;
    const auto kind = depth >= 4 || count > 30 ? 0 : random.roll(10);
    if (kind < 4) {
        made.is = part::form::effect;
        made.is_pure = random.one_in(6);
        made.acts_on_faults = random.one_in(2);
        made.tries = made.acts_on_faults && random.one_in(3) ? 3 : 1;
        made.reads_shared = random.one_in(3);
        made.writes_shared = random.one_in(3);
        return made;
    }
    made.is = kind < 6                ? part::form::sequence
              : kind < 8              ? part::form::map
              : kind < 9 || !may_wait ? part::form::race
                                      : part::form::section;
    made.swallows = random.one_in(2);
    made.is_strict = random.one_in(2);
    made.fails_fast = random.one_in(2);
    made.limit = random.roll(4);
    made.writes_shared = random.one_in(2);
    made.priority = static_cast<int>(random.roll(3));
    const auto parts = made.is == part::form::section ? 1 : 1 + random.roll(4);
    for (std::size_t i = 0; i < parts; ++i)
        made.parts.push_back(part_of(random, depth + 1, count, may_wait && made.is != part::form::section));
    return made;
}

} // namespace

part program_of(dice& random)
{
    part whole;
    int count = 1;
    whole.swallows = random.one_in(2);
    const auto parts = 1 + random.roll(4);
    for (std::size_t i = 0; i < parts; ++i)
        whole.parts.push_back(part_of(random, 1, count));
    return whole;
}

std::string to_text(const part& p)
{
    static constexpr const char* names[] = {"effect", "sequence", "map", "race", "section"};
    std::string text = std::string(names[static_cast<int>(p.is)]) + "#" + std::to_string(p.id);
    if (p.is_pure) text += " pure";
    if (p.acts_on_faults) text += " try";
    if (p.tries > 1) text += " retried";
    if (p.reads_shared) text += " reads";
    if (p.writes_shared) text += " writes";
    if (p.is != part::form::effect) {
        if (p.swallows && p.is == part::form::sequence) text += " swallows";
        if (p.is == part::form::map) {
            if (p.is_strict) text += " strict";
            if (p.fails_fast) text += " fail_fast";
            if (p.limit > 0) text += " limit " + std::to_string(p.limit);
        }
        text += " {";
        for (const auto& one : p.parts)
            text += " " + to_text(one) + (&one == &p.parts.back() ? "" : ";");
        text += " }";
    }
    return text;
}

namespace {

/// The journal's storage: a batch is committed when the schedule says so.
class held_batches : public effects::journal_storage {
public:
    explicit held_batches(kept_records& kept) : kept_(kept) {}

    void write(const std::vector<journal_record>& records,
               std::function<void(std::optional<fault>)> written) override
    {
        waiting_ = &records;
        written_ = std::move(written);
    }
    bool holds_one() const { return waiting_ != nullptr; }
    /// Committed; the program's process has not heard of it yet.
    void keep()
    {
        kept_.add(*waiting_);
        for (const auto& r : *waiting_)
            note(r);
    }
    void tell(std::optional<fault> failed)
    {
        waiting_ = nullptr;
        const auto written = std::exchange(written_, nullptr);
        written(std::move(failed));
    }
    /// As its process dies.
    void drop()
    {
        waiting_ = nullptr;
        written_ = nullptr;
    }
    /// On record, by this or an earlier life.
    void note(const journal_record& r)
    {
        auto complain = [&](const std::string& what) {
            if (wrong_.empty()) wrong_ = r.path + ": " + what;
        };
        auto& seen = effects_[r.path];
        switch (r.event) {
        case journal_event::requested:
            if (seen.requested++ > 0) complain("requested twice");
            break;
        case journal_event::started:
            if (seen.requested == 0) complain("started before it was requested");
            if (seen.resolved > 0) complain("started after it was resolved");
            if (r.detail != ++seen.started) complain("attempts are not counted");
            break;
        case journal_event::resolved:
            if (seen.started == 0) complain("resolved before it was started");
            if (seen.resolved++ > 0) complain("resolved twice");
            break;
        case journal_event::delivered:
            if (seen.resolved == 0) complain("delivered before it was resolved");
            if (seen.delivered++ > 0) complain("delivered twice");
            ++delivered_;
            break;
        case journal_event::put_off:
        case journal_event::task:
        case journal_event::run: break;
        }
    }
    bool is_requested(const std::string& path) const
    {
        const auto found = effects_.find(path);
        return found != effects_.end() && found->second.requested > 0;
    }
    bool is_resolved(const std::string& path) const
    {
        const auto found = effects_.find(path);
        return found != effects_.end() && found->second.resolved > 0;
    }
    std::size_t delivered() const { return delivered_; }
    const std::string& wrong() const { return wrong_; }

private:
    struct counts {
        int requested = 0, started = 0, resolved = 0, delivered = 0;
    };
    kept_records& kept_;
    const std::vector<journal_record>* waiting_ = nullptr;
    std::function<void(std::optional<fault>)> written_;
    std::map<std::string, counts> effects_;
    std::size_t delivered_ = 0;
    std::string wrong_;
};

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
        const auto place = co_await ctx.in().at_rest(places_.acquire(p.priority));
        see(p, false, "has the place");
        in_.shared = in_.shared * 31 + static_cast<std::uint64_t>(p.id);
        co_await go(ctx, p.parts.front());
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

namespace {

constexpr const char* ends[] = {"done", "crashed", "stopped", "unwritten", "diverged", "hung"};

std::string to_text(const life_report& life)
{
    std::string text =
        std::string("  ") + ends[static_cast<int>(life.how)] + ", " + std::to_string(life.begun) + " begun:";
    for (const auto& one : life.seen)
        text += (one.is_outcome ? "\n    = " : "\n    - ") + one.text;
    return text + "\n";
}

/// What the program saw up to and with its outcome number `outcomes`.
std::vector<observation> first_of(const std::vector<observation>& seen, std::size_t outcomes)
{
    std::vector<observation> first;
    for (const auto& one : seen) {
        if (outcomes == 0) break;
        first.push_back(one);
        if (one.is_outcome) --outcomes;
    }
    return first;
}

std::size_t delivered_in(const std::vector<journal_record>& records)
{
    return static_cast<std::size_t>(
        std::ranges::count(records, journal_event::delivered, &journal_record::event));
}

std::string list_of(const std::vector<journal_record>& records)
{
    std::string text;
    for (const auto& r : records)
        text += "    " + std::string(to_string(r.event)) + " " + r.path + " " + r.kind + " " +
                std::to_string(r.detail) + " " + r.body + "\n";
    return text;
}

/// The schedule of a seed, life after life.
class checked {
public:
    checked(dice random, part program, kept_records& kept)
        : random_(random), kept_(kept), program_(std::move(program))
    {
    }

    std::string whole()
    {
        for (int lives = 0; lives < 40; ++lives) {
            life_plan plan;
            if (lives > 20) plan = {false, false, false, -1};
            const auto now = next(plan);
            if (!wrong_.empty()) return wrong_;
            if (now.how == life_report::end::done) return afterwards(now);
        }
        return say("it does not end", {});
    }

private:
    life_report next(const life_plan& plan)
    {
        auto now = live(program_, random_, kept_, plan);
        if (!now.wrong.empty()) say(now.wrong, now);
        if (now.how == life_report::end::hung) say("nothing goes on any more", now);
        if (now.how == life_report::end::diverged) say("its own record is refused", now);
        if (!repeats(now)) say("what was delivered before is not delivered again as it was", now);
        lives_ += to_text(now);
        const auto records = kept_.read();
        const auto there = delivered_in(records);
        const auto outcomes =
            static_cast<std::size_t>(std::ranges::count(now.seen, true, &observation::is_outcome));
        if (outcomes < there) return now; // it ended before all had been delivered again
        before_ = first_of(now.seen, there);
        strictly_ = std::min(now.stopped_at.value_or(before_.size()), before_.size());
        return now;
    }

    /// What was delivered before comes again in the same order, as far as the life went; and all that the
    /// program saw in between, where it was not being stopped.
    bool repeats(const life_report& now) const
    {
        auto same = [&](auto one, auto one_end, auto other, auto other_end) {
            for (; one != one_end && other != other_end; ++one, ++other)
                if (*one != *other) return false;
            return other == other_end || now.how != life_report::end::done;
        };
        const auto strict = before_.begin() + static_cast<std::ptrdiff_t>(strictly_);
        const auto reached = std::min(strictly_, now.seen.size());
        const auto rest = now.seen.begin() + static_cast<std::ptrdiff_t>(reached);
        const auto is_outcome = [](const observation& o) { return o.is_outcome; };
        std::vector<observation> again, wanted;
        std::copy_if(rest, now.seen.end(), std::back_inserter(again), is_outcome);
        std::copy_if(strict, before_.end(), std::back_inserter(wanted), is_outcome);
        return same(now.seen.begin(), rest, before_.begin(), strict) &&
               same(again.begin(), again.end(), wanted.begin(), wanted.end());
    }

    /// Replayed once more, nothing is carried out and all is seen again; a program that differs is refused.
    std::string afterwards(const life_report& ended)
    {
        const life_plan calm{false, false, false, -1};
        const auto again = live(program_, random_, kept_, calm);
        if (again.begun > 0) return say("carried out again after the end", again);
        if (again.seen != ended.seen) return say("ends otherwise when replayed", again);
        const auto records = kept_.read();
        if (records.empty()) return {};
        std::vector<int> asked;
        for (const auto& r : records)
            if (r.event == journal_event::requested) asked.push_back(id_in(r.body));
        life_plan other = calm;
        other.altered = asked[random_.roll(asked.size())];
        const auto refused = live(program_, random_, kept_, other);
        if (refused.how != life_report::end::diverged)
            return say("a program that differs is not refused", refused);
        if (refused.begun > 0) return say("a program that differs carries effects out", refused);
        if (kept_.read().size() != records.size()) return say("a program that differs is recorded", refused);
        return {};
    }

    static int id_in(const std::string& arguments)
    {
        const auto at = arguments.find("\"id\":");
        return at == std::string::npos ? 0 : std::stoi(arguments.substr(at + 5));
    }

    std::string say(const std::string& what, const life_report& now)
    {
        if (wrong_.empty())
            wrong_ = what + "\n  " + test::to_text(program_) + "\n" + lives_ + to_text(now) +
                     "  on record:\n" + list_of(kept_.read());
        return wrong_;
    }

    dice random_;
    kept_records& kept_;
    part program_;
    std::vector<observation> before_; ///< what must be seen again
    std::size_t strictly_ = 0;        ///< so much of it with all that is no outcome
    std::string lives_;
    std::string wrong_;
};

} // namespace

std::string check_schedule(std::uint64_t seed, kept_records& kept)
{
    dice random(seed);
    auto program = program_of(random);
    return checked(random, std::move(program), kept).whole();
}

std::string check_schedule_of(const part& program, std::uint64_t seed, kept_records& kept)
{
    return checked(dice(seed), program, kept).whole();
}

} // namespace graftline::test
