#include "graftline/effects/landing_intent.hpp"

#include "graftline/effects/land.hpp"
#include "graftline/effects/run.hpp"

#include <boost/json/parse.hpp>
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
        const auto v = json::parse(text);
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

/// Mends the checkout, and records in the task what became of it.
awaitable<result<void>> recover_one(project& in, const std::string& text)
{
    auto read = intent_from_text(text);
    if (!read) co_return read.error();
    auto [intent, step] = std::move(*read);
    const auto target = intent.branch;
    const auto landed = co_await git::recover_move(in.repository(), std::move(intent));
    if (!landed) co_return landed.error();
    co_return co_await in.stored([&](store& s) {
        if (*landed)
            s.change(step.task, [&](task& now) {
                const landing found{verdict::merged, step.commit, step.onto, {}, {}, {}};
                if (step.undoes && now.state == task_state::merged) record_undo(now, found);
                if (!step.undoes && may_become(now.state, task_state::merged))
                    record_landing(now, found, target);
            });
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
