#include "graftline/effects/run/context.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

namespace graftline::effects {
namespace {

/// 64-bit FNV-1a: the same on every machine and in every version, which std::hash is not.
std::int64_t hash_of(std::string_view kind, std::string_view text)
{
    std::uint64_t hash = 0xcbf29ce484222325;
    auto mix = [&](std::string_view bytes) {
        for (const char c : bytes)
            hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    };
    mix(kind);
    mix("\n");
    mix(text);
    return static_cast<std::int64_t>(hash);
}

void append_sorted(std::string& into, const json::value& v, const json::value* defaults);

void append_sorted(std::string& into, const json::object& object, const json::object* defaults)
{
    std::vector<const json::key_value_pair*> fields;
    for (const auto& field : object) {
        const auto* usual = defaults ? defaults->if_contains(field.key()) : nullptr;
        if (!usual || *usual != field.value()) fields.push_back(&field);
    }
    std::ranges::sort(fields, {}, [](const auto* field) { return field->key(); });
    into += '{';
    for (const auto* field : fields) {
        if (into.back() != '{') into += ',';
        into += json::serialize(field->key());
        into += ':';
        append_sorted(into, field->value(), nullptr);
    }
    into += '}';
}

void append_sorted(std::string& into, const json::value& v, const json::value* defaults)
{
    if (const auto* object = v.if_object()) {
        append_sorted(into, *object, defaults ? defaults->if_object() : nullptr);
    } else if (const auto* array = v.if_array()) {
        into += '[';
        for (const auto& item : *array) {
            if (&item != array->data()) into += ',';
            append_sorted(into, item, nullptr);
        }
        into += ']';
    } else {
        into += json::serialize(v);
    }
}

std::string text_at(const json::value& v, const char* key)
{
    const auto* object = v.if_object();
    const auto* text = object ? object->if_contains(key) : nullptr;
    return text && text->is_string() ? std::string(text->get_string()) : std::string();
}

} // namespace

std::string canonical_text(const json::value& arguments, const json::value& defaults)
{
    std::string text;
    append_sorted(text, arguments, &defaults);
    return text;
}

context::context(run& r, std::string path, bool is_strand) : run_(r), here_(r.past(), std::move(path))
{
    if (is_strand) strand_.emplace(run_.past());
}

context::wait::wait(context& of) : of_(of)
{
    if (of_.here_.waits)
        throw std::logic_error("perform on a context that already waits: give each parallel child its own");
    of_.here_.waits = true;
}

performance::performance(context& of, std::string_view kind, const json::value& arguments,
                         const json::value& defaults)
    : alone_(of), run_(of.run_), kind_(kind), arguments_(canonical_text(arguments, defaults)),
      hash_(hash_of(kind_, arguments_))
{
    if (run_.is_over()) throw interrupted{};
    path_ = of.next_path();
}

awaitable<std::optional<replay::answer>> performance::ask()
{
    return run_.past().ask(path_, kind_, hash_, arguments_);
}

awaitable<void> performance::come_back(std::exception_ptr thrown, bool was_cancelled)
{
    if (run_.stopping()) throw interrupted{};
    if (may_be_recorded())
        if (const auto answer = co_await ask()) {
            delivered(*answer);
            if (answer->cancelled) throw cancelled();
            co_return;
        }
    begin(lasting::with_the_next);
    run_.past().set_out();
    co_await run_.past().arrive();
    const bool still_cancelled =
        (co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none;
    // What it gave is dropped when the strand was cancelled before that: a replay may be cancelled earlier.
    if (graftline::parallel::is_aborted(thrown) || (still_cancelled && !was_cancelled))
        abandon(std::make_exception_ptr(cancelled()), still_cancelled);
    end(true, nullptr, still_cancelled);
}

void performance::delivered(const replay::answer& answer)
{
    if (!answer.is_recorded) record(journal_event::delivered, answer.still_cancelled);
}

journal::ticket performance::begin(lasting when)
{
    if (!run_.past().was_requested(path_))
        record(journal_event::requested, hash_, arguments_, std::string(kind_), when);
    const auto before = std::chrono::milliseconds(run_.past().begun(path_));
    since_ =
        before.count() > 0 ? std::chrono::system_clock::time_point(before) : std::chrono::system_clock::now();
    return record(journal_event::started, run_.past().attempts(path_) + 1, {}, {}, when);
}

awaitable<void> performance::wait_until_due(const retry_policy& policy)
{
    const auto due = run_.past().due(path_);
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    if (due <= now.count()) co_return;
    asio::steady_timer pause(run_.executor(), std::min(std::chrono::milliseconds(due) - now, policy.longest));
    co_await pause.async_wait(use_awaitable);
}

awaitable<void> performance::put_off(const fault& why, std::chrono::milliseconds pause)
{
    const auto due = std::chrono::duration_cast<std::chrono::milliseconds>(
                         std::chrono::system_clock::now().time_since_epoch()) +
                     pause;
    record(journal_event::put_off, due.count(), json::serialize(to_stored(why)));
    asio::steady_timer wait(run_.executor(), pause);
    co_await wait.async_wait(use_awaitable);
    if (run_.is_over()) throw interrupted{};
    ++attempts_;
    record(journal_event::started, run_.past().attempts(path_) + attempts_);
}

bool performance::may_try_again(const fault& why, const retry_policy& policy) const
{
    return attempts_ < policy.attempts && is_worth_another_attempt(why) && !run_.is_over();
}

void performance::end(bool done, const json::value& outcome, bool still_cancelled)
{
    auto text = json::serialize(outcome);
    if (auto back = parse_json(text); !back)
        throw fault_error(fault(back.error()).with("effect", std::string(kind_)).with("path", path_));
    record(journal_event::resolved, done ? 1 : 0, std::move(text));
    record(journal_event::delivered, still_cancelled);
}

void performance::abandon(std::exception_ptr escaped, bool still_cancelled)
{
    const bool stopped = graftline::parallel::is_aborted(escaped);
    bool refused = false; // by an effect that saw the end of the run coming
    try {
        std::rethrow_exception(escaped);
    } catch (const interrupted&) {
        refused = true;
    } catch (...) { // looked at below
    }
    if (run_.stopping() && stopped) throw interrupted{};
    if (run_.stopping() || (!stopped && !refused)) std::rethrow_exception(escaped);
    record(journal_event::resolved, 2);
    record(journal_event::delivered, still_cancelled);
    throw cancelled();
}

journal::ticket performance::record(journal_event event, std::int64_t detail, std::string body,
                                    std::string kind, lasting when)
{
    journal_record r;
    r.run = run_.record().number;
    r.event = event;
    r.path = path_;
    r.kind = std::move(kind);
    r.detail = detail;
    r.body = std::move(body);
    r.when = when;
    return run_.in().journal().append(std::move(r));
}

json::value to_stored(const fault& f)
{
    json::array context;
    for (const auto& [key, value] : f.context())
        context.push_back(json::array{key, value});
    return json::object{{"category", f.code().category().name()},
                        {"code", f.code().value()},
                        {"what", f.what()},
                        {"context", std::move(context)},
                        {"advice", f.advice()}};
}

fault fault_from_stored(const json::value& stored)
{
    const std::string name = text_at(stored, "category");
    int code = static_cast<int>(errc::internal);
    if (const auto* object = stored.if_object())
        if (const auto* value = object->if_contains("code"); value && value->is_int64())
            code = static_cast<int>(value->get_int64());
    error_code why = make_error_code(static_cast<errc>(code));
    if (name == boost::system::system_category().name())
        why = error_code(code, boost::system::system_category());
    else if (name != why.category().name())
        why = make_error_code(errc::command_failed); // a library's code, which says nothing here
    fault f(why, text_at(stored, "what"));
    if (const auto* object = stored.if_object())
        if (const auto* list = object->if_contains("context"); list && list->is_array())
            for (const auto& pair : list->get_array())
                if (pair.is_array() && pair.get_array().size() == 2 && pair.at(0).is_string() &&
                    pair.at(1).is_string())
                    f.with(std::string(pair.at(0).get_string()), std::string(pair.at(1).get_string()));
    f.advise(text_at(stored, "advice"));
    return f;
}

} // namespace graftline::effects
