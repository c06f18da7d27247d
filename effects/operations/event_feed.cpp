#include "graftline/effects/operations/event_feed.hpp"

#include "graftline/runtime/base/clock.hpp"
#include "graftline/runtime/base/json_text.hpp"

namespace graftline::effects {
namespace {

constexpr std::size_t most_at_once = 5000;

/// A text in a JSON object that stands alone; empty when it is not there.
std::string text_in(const std::string& body, std::string_view key)
{
    const auto value = parse_json(body);
    if (!value || !value->is_object()) return {};
    const auto* text = value->get_object().if_contains(key);
    return text && text->is_string() ? std::string(text->get_string()) : std::string();
}

} // namespace

json::object to_public_json(const event& e)
{
    json::object o{{"number", e.number}, {"time", e.time}};
    o["run"] = e.run.empty() ? json::value(nullptr) : json::value(e.run);
    o["path"] = e.path.empty() ? json::value(nullptr) : json::value(e.path);
    o["event"] = e.what;
    o["kind"] = e.kind.empty() ? json::value(nullptr) : json::value(e.kind);
    if (!e.task.empty()) o["task"] = e.task;
    if (!e.state.empty()) o["state"] = e.state;
    if (e.attempt) o["attempt"] = *e.attempt;
    if (!e.outcome.empty()) o["outcome"] = e.outcome;
    if (!e.reason.empty()) o["reason"] = e.reason;
    return o;
}

awaitable<std::vector<event>> event_feed::next()
{
    std::vector<journal_record> records;
    if (!in_->has_state()) co_return std::vector<event>();
    auto last = after_;
    auto read_some = [&](store& s) {
        std::optional<std::int64_t> run;
        if (only_) run = only_->number;
        auto take = [&](journal_record&& r) {
            last = r.number;
            records.push_back(std::move(r));
            return records.size() < most_at_once;
        };
        auto pass_over = [&](std::int64_t number, fault why) {
            last = number;
            passed_over_.push_back(std::move(why));
        };
        s.read_journal(after_, run, take, pass_over);
        for (const auto& r : records)
            if (!runs_.contains(r.run)) {
                for (const auto& known : s.runs([](unreadable_row&&) {})) // that run's id is not known then
                    runs_[known.number] = known.id;
                runs_.try_emplace(r.run);
            }
    };
    co_await in_->must_store(read_some);
    after_ = last;
    std::vector<event> events;
    for (auto& r : records)
        events.push_back(read(std::move(r)));
    co_return events;
}

event event_feed::read(journal_record&& r)
{
    event e;
    e.number = r.number;
    e.time = to_iso8601(utc_time(std::chrono::milliseconds(r.time_ms)));
    e.run = runs_[r.run];
    e.what = to_string(r.event);
    if (r.event == journal_event::task || r.event == journal_event::run) {
        e.task = r.path;
        e.state = r.kind;
        return e;
    }
    e.path = r.path;
    const std::pair key(r.run, r.path);
    if (r.event == journal_event::requested) open_[key] = {r.kind, text_in(r.body, "task")};
    if (const auto known = open_.find(key); known != open_.end()) {
        e.kind = known->second.kind;
        e.task = known->second.task;
        if (r.event == journal_event::delivered) open_.erase(known);
    }
    if (r.event == journal_event::started) e.attempt = r.detail;
    if (r.event == journal_event::put_off) e.reason = text_in(r.body, "what");
    if (r.event != journal_event::resolved) return e;
    e.outcome = r.detail == 1 ? "done" : r.detail == 2 ? "cancelled" : "failed";
    if (r.detail == 0) e.reason = text_in(r.body, "what");
    return e;
}

} // namespace graftline::effects
