#include "graftline/effects/landing/landing_queue.hpp"

#include "graftline/effects/landing/gate.hpp"
#include "graftline/effects/landing/landing_intent.hpp"
#include "graftline/effects/run/retry_policy.hpp"
#include "graftline/effects/run/task_time.hpp"
#include "graftline/git/commits/commit.hpp"
#include "graftline/git/landing/move_target.hpp"
#include "graftline/git/naming/naming.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/patience.hpp"
#include "graftline/runtime/async/shielded.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>
#include <map>
#include <utility>

namespace graftline::effects {
namespace {

/// Without gates nothing is gained by merging more than this ahead of a move.
constexpr std::size_t longest_chain = 64;

/// The folder at the top that a path lies in; for a file at the top, the file.
std::string top_of(const std::string& path)
{
    return path.substr(0, path.find('/'));
}

std::set<std::string> tops_of(const std::vector<std::string>& paths)
{
    std::set<std::string> tops;
    for (const auto& path : paths)
        tops.insert(top_of(path));
    return tops;
}

bool overlap(const std::set<std::string>& a, const std::set<std::string>& b)
{
    return std::ranges::any_of(a, [&](const auto& one) { return b.contains(one); });
}

bool merges(const command& what)
{
    return git::subcommand_of(what.words()).starts_with("merge");
}

/// Works on a target, or on somebody's checkout that follows it.
command_times::predicate lands_in(const git::repository& repo)
{
    std::vector<std::filesystem::path> checkouts;
    for (const auto& top : {repo.here(), repo.main_work_tree()})
        if (top) checkouts.push_back(*top);
    return [checkouts = std::move(checkouts)](const command& what) {
        return what.purpose().find(landing_note) != std::string::npos ||
               std::ranges::find(checkouts, what.folder()) != checkouts.end();
    };
}

fault cancelled_in_queue()
{
    return {errc::interrupted, "the landing was taken out of the queue"};
}

} // namespace

/// One change that waits.
struct landing_queue::entry {
    entry(const asio::any_io_executor& executor, landing_request request, std::size_t number)
        : what(std::move(request)), arrival(number), bell(executor, asio::steady_timer::time_point::max())
    {
    }
    landing_request what;
    std::size_t arrival;
    asio::steady_timer bell; ///< rings when it is settled
    std::optional<result<landing>> outcome;
    bool is_recorded = false;
    bool withdrawn = false;
    bool chained = false;
    std::optional<git::oid> stuck_on; ///< where it did not merge, behind others that may yet fail
    int group = 0; ///< after a shared gate failed: tested with those of the same number only
};

/// A link of the chain: one change, or several whose gates run together.
struct landing_queue::slot {
    explicit slot(const asio::any_io_executor& executor) : tests(executor) {}
    std::vector<entry_ptr> entries;
    std::vector<candidate> candidates; ///< of the entries, each on the one before
    std::set<std::string> tops;        ///< what they change, where gates are shared
    scope tests;
    bool started = false;
    bool ended = false;
    result<std::optional<gate_failure>> said = std::nullopt; ///< once ended

    const git::oid& commit() const { return candidates.back().commit; }
    const auto& gates() const { return entries.front()->what.gates; }
    bool passed() const { return ended && said && !*said; }
};

landing_queue::landing_queue(run& r, std::string target, queue_options options, scope& beside)
    : run_(r), target_(std::move(target)), options_(options), beside_(beside), executor_(r.executor()),
      bell_(executor_, asio::steady_timer::time_point::max()),
      alone_(executor_, r.in().state_folder() / ("landing-" + git::slug(target_) + ".lock")),
      batch_(longest_chain)
{
}

landing_queue::~landing_queue() = default;

landing_queue& landing_queue::of(run& r, const std::string& target)
{
    using queues = std::map<std::string, std::unique_ptr<landing_queue>>;
    auto& queue = (*r.services().use<queues>([] { return std::make_shared<queues>(); }))[target];
    if (!queue) {
        const auto& gate = r.in().settings().gate;
        queue_options options;
        options.speculation =
            r.speculation() > 0 ? r.speculation() : gate.speculate.value_or(options.speculation);
        options.share_gates = gate.share.value_or(false);
        queue = std::make_unique<landing_queue>(r, target, options, r.beside());
    }
    return *queue;
}

awaitable<result<landing_queue::answer>> landing_queue::land(landing_request what)
{
    auto e = std::make_shared<entry>(executor_, std::move(what), arrivals_++);
    entries_.push_back(e);
    std::ranges::sort(entries_, [](const entry_ptr& a, const entry_ptr& b) {
        return std::pair(-a->what.priority, a->arrival) < std::pair(-b->what.priority, b->arrival);
    });
    ring();
    if (!std::exchange(working_, true)) beside_.spawn(shielded(work()));

    // Whoever is cancelled still hears what became of it: the target may be moving already.
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!e->outcome) {
        co_await e->bell.async_wait(asio::as_tuple(use_awaitable));
        const auto state = co_await asio::this_coro::cancellation_state;
        if (state.cancelled() == asio::cancellation_type::none || e->withdrawn) continue;
        e->withdrawn = true;
        ring();
    }
    co_await asio::this_coro::throw_if_cancelled(true);
    if (e->withdrawn && !*e->outcome && e->outcome->error().is(errc::interrupted))
        throw boost::system::system_error(asio::error::operation_aborted);
    if (!*e->outcome) co_return e->outcome->error();
    co_return answer{std::move(**e->outcome), e->is_recorded};
}

// ---- its work

// Its cancellation is put off: those who wait here are cancelled one by one, and what is left then is only to
// see gates end.
awaitable<void> landing_queue::work()
{
    std::optional<fault> broken;
    while (!entries_.empty()) {
        try {
            co_await turn();
        } catch (const fault_error& e) {
            broken = e.why();
        } catch (const std::exception& e) {
            broken = fault(errc::internal, "landing on " + target_ + " failed").with("cause", e.what());
        } catch (...) {
            broken = fault(errc::internal, "landing on " + target_ + " failed");
        }
        if (!broken) continue;
        take_apart(0);
        settle_all(*broken); // the store cannot be read, say: none of them can land, and none waits for ever
        broken.reset();
    }
    take_apart(0);
    working_ = false;
    co_await bury();
}

/// One look at everything, up to the next thing to wait for.
awaitable<void> landing_queue::turn()
{
    rung_ = false;
    drop_withdrawn();
    if (entries_.empty()) co_return;
    const auto has_moved = co_await work_alone();
    if (!has_moved)
        settle_all(has_moved.error());
    else if (!*has_moved)
        co_await wait_for_change();
    std::erase_if(dying_, [](const slot_ptr& s) { return s->tests.running() == 0; });
}

/// While other processes merge nothing onto this target: whoever moves it first would make that in vain.
/// False: there is nothing to do before something changes.
awaitable<result<bool>> landing_queue::work_alone()
{
    const auto alone = co_await alone_.acquire();
    if (!alone) co_return fault(alone.error()).with("target", target_);
    if (auto found = co_await find_tip(); !found) co_return found.error();
    co_await fill();
    drop_withdrawn();
    co_return co_await advance();
}

awaitable<result<void>> landing_queue::find_tip()
{
    if (tip_ && !chain_.empty()) co_return result<void>();
    auto found = co_await git::resolve(run_.repository(), "refs/heads/" + target_);
    if (!found)
        co_return fault(found.error())
            .with("target", target_)
            .advise("Name an existing branch: --target BRANCH");
    tip_ = std::move(*found);
    co_return result<void>();
}

/// Merges what waits onto the end of the chain, as far as that is of use now.
awaitable<void> landing_queue::fill()
{
    while (may_test_more()) {
        const auto e = next_entry();
        if (!e) break;
        const auto on = chain_.empty() ? *tip_ : chain_.back()->commit();
        run_.watcher().doing(e->what.task, "landing on " + target_);
        const auto told = tell_of_slow(run_, {e->what.task}, merges, "landing");
        auto put = co_await place(run_, e->what, on);
        if (!put) {
            settle(e, put.error());
        } else if (const auto* cannot = std::get_if<landing>(&*put)) {
            // Behind others it is not the last word: they may fail.
            if (chain_.empty())
                settle(e, *cannot);
            else
                e->stuck_on = on;
        } else if (!e->withdrawn) {
            co_await add(e, std::get<candidate>(std::move(*put)));
        }
    }
    start_tests();
}

landing_queue::entry_ptr landing_queue::next_entry()
{
    const auto on = chain_.empty() ? *tip_ : chain_.back()->commit();
    for (const auto& e : entries_)
        if (!e->chained && !e->withdrawn && e->stuck_on != on) return e;
    return nullptr;
}

bool landing_queue::may_test_more() const
{
    const auto passed = static_cast<std::size_t>(std::ranges::count_if(chain_, &slot::passed));
    return passed < batch_ && chain_.size() - passed < std::max<std::size_t>(options_.speculation, 1);
}

awaitable<void> landing_queue::add(entry_ptr e, candidate c)
{
    e->chained = true;
    if (options_.share_gates && !chain_.empty() && co_await joins(*chain_.back(), *e, c)) {
        auto& last = *chain_.back();
        last.entries.push_back(std::move(e));
        last.candidates.push_back(std::move(c));
        co_return;
    }
    start_tests();
    auto s = std::make_shared<slot>(executor_);
    s->ended = e->what.gates.empty();
    s->started = s->ended;
    if (options_.share_gates && !s->ended) {
        const auto paths = co_await git::changed_paths(run_.repository(), c.onto, c.commit);
        if (paths) s->tops = tops_of(*paths);
    }
    s->entries.push_back(std::move(e));
    s->candidates.push_back(std::move(c));
    chain_.push_back(std::move(s));
}

/// May it be tested together with what the last link holds? Then that link covers what it changes, too.
awaitable<bool> landing_queue::joins(slot& last, const entry& e, const candidate& c)
{
    if (last.started || last.entries.front()->group != e.group || last.gates() != e.what.gates)
        co_return false;
    if (last.tops.empty()) co_return false; // not known
    const auto paths = co_await git::changed_paths(run_.repository(), c.onto, c.commit);
    if (!paths) co_return false;
    auto tops = tops_of(*paths);
    if (overlap(last.tops, tops)) co_return false;
    last.tops.merge(tops);
    co_return true;
}

void landing_queue::start_tests()
{
    for (const auto& s : chain_)
        if (!std::exchange(s->started, true)) s->tests.spawn(test(s));
}

awaitable<void> landing_queue::test(slot_ptr s)
{
    const auto& what = s->entries.back()->what;
    result<std::optional<gate_failure>> said = std::nullopt;
    try {
        said = co_await run_gates(run_, what.task, s->candidates.back(), what.gates, what.test_again);
    } catch (const fault_error& e) {
        said = e.why();
    } catch (const boost::system::system_error& e) {
        if (e.code() == asio::error::operation_aborted) throw; // the link is in nobody's chain any more
        said = fault(errc::internal, e.what());
    } catch (const std::exception& e) {
        said = fault(errc::internal, e.what());
    }
    s->said = std::move(said);
    s->ended = true;
    ring();
}

/// Lets what has passed land, or the first in line hear why it cannot. False: there is nothing to do yet.
awaitable<bool> landing_queue::advance()
{
    const auto first_open =
        std::ranges::find_if(chain_, [](const slot_ptr& s) { return !s->passed(); }) - chain_.begin();
    if (first_open > 0) {
        co_await move(static_cast<std::size_t>(first_open));
        co_return true;
    }
    if (!chain_.empty() && chain_.front()->ended) {
        if (co_await drop_cancelled(1)) co_return true; // its gate was ended for that
        reject_head();
        co_return true;
    }
    co_return entries_.empty();
}

void landing_queue::reject_head()
{
    const auto head = chain_.front();
    take_apart(0);
    if (!head->said) {
        settle(head->entries.front(), head->said.error());
        return;
    }
    if (head->entries.size() > 1) {
        // One of them is to blame: each half is tested by itself.
        const auto half = head->entries.size() / 2;
        const int first = ++groups_, second = ++groups_;
        for (std::size_t i = 0; i < head->entries.size(); ++i)
            head->entries[i]->group = i < half ? first : second;
        return;
    }
    const auto& failure = **head->said;
    settle(head->entries.front(), landing{verdict::rejected,
                                          {},
                                          {},
                                          {},
                                          "gate failed: " + failure.command + " (" + failure.how + ")",
                                          failure.log});
}

// ---- moving the target

awaitable<void> landing_queue::move(std::size_t slots)
{
    (void)co_await drop_cancelled(slots);
    slots = std::min(slots, chain_.size());
    if (slots == 0) co_return;
    const auto to = chain_[slots - 1]->commit();
    std::vector<landing_step> steps;
    std::string ids;
    const auto kept = chain_.front()->candidates.front().kept;
    for (std::size_t i = 0; i < slots; ++i)
        for (std::size_t j = 0; j < chain_[i]->entries.size(); ++j) {
            const auto& task = chain_[i]->entries[j]->what.task;
            const auto& c = chain_[i]->candidates[j];
            steps.push_back({task, c.onto.hex(), c.commit.hex(), chain_[i]->entries[j]->what.reverts});
            ids += " " + task;
            if (c.kept != kept) kept->join(std::move(*c.kept));
        }
    std::vector<std::string> all;
    for (const auto& step : steps)
        all.push_back(step.task);
    const auto told = tell_of_slow(run_, std::move(all), lands_in(run_.repository()), "landing");
    auto done =
        co_await git::move_target(run_.repository(), target_, *tip_, to, std::string(landing_note) + ids,
                                  *kept, keep_intents(run_.in(), steps));
    if (done && std::holds_alternative<git::moved>(*done)) {
        batch_ = std::min(batch_ * 2, longest_chain);
        tip_ = to;
        co_await landed(slots);
        co_return;
    }
    if (!done && (is_of_the_environment(done.error()) || done.error().is(errc::interrupted))) {
        // It may have moved: its intents stay, and whoever goes on with the run looks.
        take_apart(0);
        tip_.reset();
        settle_all(done.error());
        co_return;
    }
    if (auto forgotten = co_await forget_intents(run_.in(), steps); !forgotten)
        run_.watcher().note(forgotten.error().message()); // the next command finds that nothing moved
    if (co_await drop_cancelled(slots)) co_return;        // what moved it was ended for that
    if (!done && done.error().is(errc::moved)) {
        // Somebody else has landed: there is progress. Fewer at once come between them sooner.
        batch_ = 1;
        take_apart(0);
        tip_.reset();
        co_return;
    }
    // What hangs hangs for each of them: it is not waited for again and again.
    const bool hangs = !done && done.error().is(errc::timed_out);
    if (!hangs && steps.size() > 1 && slots > 1) {
        // What is in the way of all need not be in the way of the first.
        take_apart(1);
        co_await move(1);
        co_return;
    }
    auto head = chain_.front()->entries;
    for (std::size_t i = 1; hangs && i < slots; ++i)
        head.insert(head.end(), chain_[i]->entries.begin(), chain_[i]->entries.end());
    take_apart(0);
    for (const auto& e : head) {
        if (!done) {
            settle(e, done.error());
            continue;
        }
        const auto& blocked = std::get<git::waits>(*done);
        settle(e, landing{verdict::waiting, {}, {}, blocked.paths, blocked.why, {}});
    }
}

/// Merging and gates take their time: a task may have been given up meanwhile.
awaitable<bool> landing_queue::drop_cancelled(std::size_t slots)
{
    for (std::size_t i = 0; i < slots && i < chain_.size(); ++i)
        for (const auto& e : chain_[i]->entries) {
            const auto now = co_await run_.find(e->what.task);
            if (!now.cancel_asked) continue;
            const auto given_up = e;
            take_apart(i);
            settle(given_up, landing{verdict::waiting, {}, {}, {}, "its landing was cancelled", {}});
            co_return true;
        }
    co_return false;
}

/// Recorded together, so that all of them wait for the disk once.
awaitable<void> landing_queue::landed(std::size_t slots)
{
    std::vector<std::pair<std::string, std::function<void(task&)>>> records;
    std::vector<std::pair<entry_ptr, landing>> outcomes;
    for (std::size_t i = 0; i < slots; ++i)
        for (std::size_t j = 0; j < chain_[i]->entries.size(); ++j) {
            const auto& c = chain_[i]->candidates[j];
            const auto& e =
                outcomes
                    .emplace_back(chain_[i]->entries[j],
                                  landing{verdict::merged, c.commit.hex(), c.onto.hex(), {}, {}, {}})
                    .first;
            records.emplace_back(e->what.task,
                                 [e, l = outcomes.back().second](task& now) { e->what.record(now, l); });
        }
    const auto recorded = co_await run_.in().stored([&](store& s) { return s.settle_landings(records); });
    for (const auto& changed : recorded ? *recorded : std::vector<task>())
        run_.watcher().changed(changed);
    for (auto& [e, l] : outcomes) {
        e->is_recorded = recorded.has_value(); // or each hears for itself what keeps it from that
        settle(e, std::move(l));
    }
    for (; slots > 0; --slots) {
        dying_.push_back(chain_.front()); // its test has spoken, but may not have returned
        chain_.pop_front();
    }
    for (const auto& e : entries_)
        e->stuck_on.reset(); // what it did not merge with is on the target now: that is the last word
}

// ---- keeping the lists

void landing_queue::drop_withdrawn()
{
    for (std::size_t i = 0; i < chain_.size(); ++i)
        if (std::ranges::any_of(chain_[i]->entries, &entry::withdrawn)) take_apart(i);
    const auto all = entries_;
    for (const auto& e : all)
        if (e->withdrawn) settle(e, cancelled_in_queue());
}

void landing_queue::settle(const entry_ptr& e, result<landing> how)
{
    e->outcome = std::move(how);
    e->bell.cancel();
    std::erase(entries_, e);
}

void landing_queue::settle_all(const fault& why)
{
    const auto all = entries_;
    for (const auto& e : all)
        settle(e, why);
}

/// Takes the chain apart from one link on; what is in it is merged and tested anew.
void landing_queue::take_apart(std::size_t from)
{
    while (chain_.size() > from) {
        const auto s = chain_.back();
        chain_.pop_back();
        for (const auto& e : s->entries)
            e->chained = false;
        s->tests.cancel();
        dying_.push_back(s);
    }
    for (const auto& e : entries_)
        e->stuck_on.reset();
}

/// Waits for gates that are being ended.
awaitable<void> landing_queue::bury()
{
    for (const auto& s : std::exchange(dying_, {}))
        co_await s->tests.join();
}

void landing_queue::ring()
{
    rung_ = true;
    bell_.cancel();
}

awaitable<void> landing_queue::wait_for_change()
{
    if (!rung_) co_await bell_.async_wait(asio::as_tuple(use_awaitable));
}

} // namespace graftline::effects
