#include "graftline/effects/landing/landing_intent.hpp"

#include "graftline/effects/landing/land.hpp"
#include "graftline/effects/run/run.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/runtime/base/json_text.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

namespace graftline::effects {
namespace {

std::string text_at(const json::value& v, const char* key)
{
    return json::value_to<std::string>(v.at(key));
}

} // namespace

std::string to_text(const git::move_intent& intent, const landing_step& step)
{
    json::array paths, locks;
    for (const auto& p : intent.paths)
        paths.push_back(json::array{p.path, p.old_mode, p.new_mode, p.old_blob.hex(), p.new_blob.hex()});
    for (const auto& lock : intent.locks)
        locks.push_back(json::string(lock.string()));
    return json::serialize(json::object{{"branch", intent.branch},
                                        {"from", intent.from.hex()},
                                        {"to", intent.to.hex()},
                                        {"checkout", intent.checkout.string()},
                                        {"paths", std::move(paths)},
                                        {"locks", std::move(locks)},
                                        {"task", step.task},
                                        {"onto", step.onto},
                                        {"commit", step.commit},
                                        {"undoes", step.undoes}});
}

result<std::pair<git::move_intent, landing_step>> intent_from_text(const std::string& text)
{
    try {
        const auto v = parse_json(text).value();
        git::move_intent intent;
        intent.branch = text_at(v, "branch");
        intent.from = git::oid(text_at(v, "from"));
        intent.to = git::oid(text_at(v, "to"));
        intent.checkout = text_at(v, "checkout");
        for (const auto& p : v.at("paths").as_array()) {
            const auto fields = json::value_to<std::vector<std::string>>(p);
            intent.paths.push_back(
                {fields.at(0), fields.at(1), fields.at(2), git::oid(fields.at(3)), git::oid(fields.at(4))});
        }
        for (const auto& lock : v.at("locks").as_array())
            intent.locks.emplace_back(json::value_to<std::string>(lock));
        landing_step step;
        step.task = text_at(v, "task");
        step.onto = text_at(v, "onto");
        step.commit = text_at(v, "commit");
        step.undoes = v.at("undoes").as_bool();
        return std::pair(std::move(intent), std::move(step));
    } catch (const std::exception& e) {
        return fault(errc::corrupt, "a landing's intent does not read back").with("cause", e.what());
    }
}

git::intent_callback keep_intents(project& in, std::vector<landing_step> steps)
{
    return [&in, steps = std::move(steps)](const git::move_intent& intent) -> awaitable<result<void>> {
        std::vector<std::pair<std::string, std::string>> texts;
        auto whole = intent;
        for (const auto& step : steps) {
            texts.emplace_back(step.task, to_text(whole, step));
            whole.paths.clear(); // once is enough to mend the checkout
        }
        co_return co_await in.stored([texts = std::move(texts)](store& s) { s.set_intents(texts); });
    };
}

awaitable<result<void>> forget_intents(project& in, const std::vector<landing_step>& steps)
{
    co_return co_await in.stored([&](store& s) {
        for (const auto& step : steps)
            s.clear_intent(step.task);
    });
}

namespace {

/// What became of one landing of a move that a crash cut short; none: it has not been on the target.
awaitable<result<std::optional<landing>>> look_for(project& in, const git::move_intent& intent,
                                                   const landing_step& step, bool moved)
{
    const landing merged{verdict::merged, step.commit, step.onto, {}, {}, {}};
    if (moved) co_return std::optional(merged);
    auto& repo = in.repository();
    if (!co_await git::was_moved_on_from(repo, intent.branch, intent.to)) co_return std::nullopt;
    const auto tip = co_await git::read_ref(repo, "refs/heads/" + intent.branch);
    if (!tip) co_return tip.error();
    if (*tip) { // of several that landed together, some may be left
        const auto left = co_await git::is_ancestor(repo, git::oid(step.commit), **tip);
        if (!left) co_return left.error();
        if (*left) co_return std::optional(merged);
    }
    co_return std::optional(taken_off(step.task, step.commit, intent.branch));
}

/// Mends the checkout, and records in the task what became of it.
awaitable<result<void>> recover_one(project& in, const std::string& text)
{
    auto read = intent_from_text(text);
    if (!read) co_return read.error();
    const auto [intent, step] = std::move(*read);
    const auto moved = co_await git::recover_move(in.repository(), intent);
    if (!moved) co_return moved.error();
    const auto found = co_await look_for(in, intent, step, *moved);
    if (!found) co_return found.error();
    auto record = [&](task& now) {
        if (step.undoes && now.state == task_state::merged && (*found)->is_done()) record_undo(now, **found);
        const bool is_open = now.state != task_state::merged && may_become(now.state, task_state::merged);
        if (step.undoes || !is_open) return;
        record_landing(now, **found, intent.branch);
        now.landed = step.commit;
    };
    co_return co_await in.stored([&](store& s) {
        if (*found) s.change(step.task, record);
        s.clear_intent(step.task);
    });
}

} // namespace

awaitable<result<std::size_t>> recover_landings(std::shared_ptr<project> in)
{
    const auto intents = co_await in->stored([](store& s) { return s.intents(); });
    if (!intents) co_return intents.error();
    std::size_t recovered = 0;
    for (const auto& [id, text] : *intents) {
        const auto t = co_await in->stored([&](store& s) { return s.find(id); });
        if (!t) co_return t.error();
        if (*t && run::is_alive(*in, (*t)->owner)) continue;
        if (auto mended = co_await recover_one(*in, text); !mended)
            co_return fault(mended.error()).with("task", id);
        ++recovered;
    }
    co_return recovered;
}

} // namespace graftline::effects
