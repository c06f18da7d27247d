#include "graftline/effects/journal/replay.hpp"

#include "graftline/runtime/base/json_text.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <algorithm>

namespace graftline::effects {
namespace {

namespace json = boost::json;

json::object object_of(const std::string& text)
{
    auto value = parse_json(text);
    return value && value->is_object() ? std::move(value->get_object()) : json::object();
}

/// The names of the arguments that are not the same.
std::string differences(const std::string& before, const std::string& now)
{
    const auto one = object_of(before), other = object_of(now);
    std::set<std::string> names;
    auto compare = [&](const json::object& from, const json::object& with) {
        for (const auto& field : from) {
            const auto* same = with.if_contains(field.key());
            if (!same || *same != field.value()) names.insert(std::string(field.key()));
        }
    };
    compare(one, other);
    compare(other, one);
    std::string text;
    for (const auto& name : names)
        text += (text.empty() ? "" : ", ") + name;
    return text;
}

fault another_program(const std::string& path, std::string_view kind)
{
    return fault(errc::refused, "the program differs from the one that was recorded")
        .with("path", path)
        .with("effect", std::string(kind));
}

/// Calls `each` with every path above this one: of 0.3.1 with 0.3 and 0.
template <class Each> void above(const std::string& path, Each each)
{
    for (auto end = path.rfind('.'); end != path.npos && end > 0; end = path.rfind('.', end - 1))
        each(path.substr(0, end));
}

} // namespace

void replay::take(journal_record&& r)
{
    auto& before = known_[r.path];
    switch (r.event) {
    case journal_event::requested:
        before.kind = std::move(r.kind);
        before.hash = r.detail;
        before.arguments = std::move(r.body);
        break;
    case journal_event::started:
        before.attempts = std::max(before.attempts, r.detail);
        if (before.begun_ms == 0) before.begun_ms = r.time_ms;
        break;
    case journal_event::put_off: before.due_ms = r.detail; break;
    case journal_event::resolved:
        before.resolved = true;
        before.outcome.done = r.detail == 1;
        before.outcome.cancelled = r.detail == 2;
        before.outcome.body = std::move(r.body);
        break;
    case journal_event::delivered:
        before.outcome.still_cancelled = r.detail == 1;
        order_.push_back(r.path);
        break;
    case journal_event::task:
    case journal_event::run: known_.erase(r.path); return;
    }
    above(r.path, [&](const std::string& parent) { begun_.insert(parent); });
    live_ = false;
}

bool replay::knows(const std::string& path) const
{
    return begun_.contains(path);
}

std::int64_t replay::attempts(const std::string& path) const
{
    const auto found = known_.find(path);
    return found == known_.end() ? 0 : found->second.attempts;
}

std::int64_t replay::due(const std::string& path) const
{
    const auto found = known_.find(path);
    return found == known_.end() ? 0 : found->second.due_ms;
}

std::int64_t replay::begun(const std::string& path) const
{
    const auto found = known_.find(path);
    return found == known_.end() ? 0 : found->second.begun_ms;
}

std::optional<std::string> replay::arguments_below(const std::string& path, std::string_view kind) const
{
    const auto found = std::ranges::find_if(known_, [&](const auto& one) {
        return one.second.kind == kind && one.first.starts_with(path + ".");
    });
    if (found == known_.end()) return std::nullopt;
    return found->second.arguments;
}

void replay::skip(const std::string& path)
{
    if (!live_) skipped_.insert(path);
}

bool replay::is_skipped(const std::string& path) const
{
    bool skipped = false;
    above(path, [&](const std::string& parent) { skipped = skipped || skipped_.contains(parent); });
    return skipped;
}

awaitable<void> replay::wait_until_live()
{
    if (live_) co_return;
    const auto self = shared_from_this();
    waiter mine(loop_);
    waiting_for_live_.insert(&mine);
    const auto leave =
        std::shared_ptr<void>(nullptr, [this, &mine](void*) { waiting_for_live_.erase(&mine); });
    rest();
    // Whoever calls has counted us as awake again.
    const auto awake = std::shared_ptr<void>(nullptr, [this, &mine](void*) {
        if (!mine.called) wake();
    });
    while (!mine.called && !stopped_)
        co_await mine.bell.async_wait(asio::as_tuple(use_awaitable));
    if (failure_) throw diverged(*failure_);
    if (stopped_) throw interrupted{};
}

awaitable<std::optional<replay::answer>> replay::ask(std::string path, std::string_view kind,
                                                     std::int64_t hash, const std::string& arguments)
{
    const auto self = shared_from_this();
    const auto found = known_.find(path);
    if (found != known_.end()) check(path, found->second, kind, hash, arguments);
    if (live_) co_return resolved(path);
    waiter mine(loop_);
    waiting_[path] = &mine;
    rest();
    const bool heeds = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!mine.called && !stopped_)
        co_await mine.bell.async_wait(asio::as_tuple(use_awaitable));
    co_await asio::this_coro::throw_if_cancelled(heeds);
    waiting_.erase(path);
    std::erase(arrived_, &mine);
    if (!mine.called) wake();
    if (failure_) throw diverged(*failure_);
    if (stopped_) throw interrupted{};
    co_return resolved(path);
}

awaitable<void> replay::arrive()
{
    const auto self = shared_from_this();
    waiter mine(loop_);
    arrived_.push_back(&mine);
    const auto leave = std::shared_ptr<void>(nullptr, [this, &mine](void*) { std::erase(arrived_, &mine); });
    post_turn();
    const bool heeds = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    while (!mine.called && !stopped_)
        co_await mine.bell.async_wait(asio::as_tuple(use_awaitable));
    co_await asio::this_coro::throw_if_cancelled(heeds);
    if (!mine.called) wake();
}

std::optional<replay::answer> replay::resolved(const std::string& path)
{
    const auto found = known_.find(path);
    if (found == known_.end() || !found->second.resolved) return std::nullopt;
    found->second.outcome.is_recorded = !live_;
    return std::move(found->second.outcome);
}

void replay::stop()
{
    stopped_ = true;
    for (const auto& [path, one] : waiting_)
        one->bell.cancel();
    for (auto* one : waiting_for_live_)
        one->bell.cancel();
    for (auto* one : arrived_)
        one->bell.cancel();
}

// A cancellation goes down from children to their children one round of the loop each, and nobody counts as
// awake meanwhile.
void replay::wake()
{
    ++active_;
    rounds_ = 2 * deepest_ + 2;
}

void replay::rest()
{
    --active_;
    post_turn();
}

void replay::nest(const std::string& path)
{
    deepest_ = std::max(deepest_, static_cast<int>(std::ranges::count(path, '.')));
}

void replay::post_turn()
{
    if (looks_for_hold_up_) tell_of_hold_up();
    if ((live_ && arrived_.empty()) || stopped_ || active_ > 0 || posted_) return;
    posted_ = true;
    asio::post(loop_, [self = shared_from_this()] { self->turn(); });
}

/// Every strand is at rest: the next outcome is due.
void replay::turn()
{
    posted_ = false;
    if (stopped_ || active_ > 0) return;
    if (rounds_-- > 0) return post_turn();
    ++rests_;
    if (live_) {
        if (arrived_.empty()) return;
        auto* next = arrived_.front();
        arrived_.pop_front();
        return call(*next);
    }
    drop_skipped();
    if (order_.empty()) return go_live();
    const auto next = waiting_.find(order_.front());
    if (next == waiting_.end() && away_ > 0) return; // one that is away may come back and ask for it
    if (next == waiting_.end()) return fail_unasked();
    order_.pop_front();
    call(*next->second);
}

void replay::tell_of_hold_up()
{
    if (!is_held_up()) return;
    looks_for_hold_up_->called = true;
    looks_for_hold_up_->bell.cancel();
    looks_for_hold_up_ = nullptr;
}

awaitable<void> replay::wait_until_held_up()
{
    const auto self = shared_from_this();
    waiter mine(loop_);
    const auto leave = std::shared_ptr<void>(nullptr, [this](void*) { looks_for_hold_up_ = nullptr; });
    if (!is_held_up()) looks_for_hold_up_ = &mine;
    while (looks_for_hold_up_ && !mine.called)
        co_await mine.bell.async_wait(asio::as_tuple(use_awaitable));
}

replay::place::place(replay& of, std::string its) : path(std::move(its)), of_(of.shared_from_this())
{
    of_->places_.insert(this);
}

replay::place::~place()
{
    of_->places_.erase(this);
}

std::vector<std::string> replay::busy() const
{
    std::vector<std::string> paths;
    for (const auto* one : places_)
        if (!one->waits) paths.push_back(one->path);
    std::ranges::sort(paths);
    return paths;
}

void replay::conclude()
{
    drop_skipped();
    if (!live_ && !stopped_ && !order_.empty()) fail_unasked();
}

void replay::drop_skipped()
{
    while (!order_.empty() && is_skipped(order_.front()))
        order_.pop_front();
}

void replay::fail_unasked()
{
    const auto path = order_.front();
    try {
        fail(another_program(path, known_[path].kind)
                 .with("differs", "it does not ask for this effect any more, or later"));
    } catch (const diverged&) { // said to whoever waits, and by `failure`
    }
}

void replay::go_live()
{
    live_ = true;
    for (const auto& [path, one] : waiting_)
        if (known_.contains(path) && known_[path].resolved)
            arrived_.push_back(one);
        else
            call(*one);
    for (auto* one : waiting_for_live_)
        call(*one);
    post_turn();
}

void replay::call(waiter& one)
{
    wake();
    one.called = true;
    one.bell.cancel();
}

void replay::fail(fault why)
{
    if (!failure_) failure_ = std::move(why);
    stop();
    if (on_failure) on_failure();
    throw diverged(*failure_);
}

void replay::check(const std::string& path, const past& before, std::string_view kind, std::int64_t hash,
                   const std::string& arguments)
{
    if (before.kind != kind) fail(another_program(path, kind).with("recorded effect", before.kind));
    if (before.hash != hash)
        fail(another_program(path, kind)
                 .with("differs", "arguments " + differences(before.arguments, arguments)));
}

} // namespace graftline::effects
