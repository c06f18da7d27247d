#include "graftline/effects/landing_intent.hpp"

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

std::string to_text(const git::move_intent& intent)
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
                                        {"locks", std::move(locks)}});
}

result<git::move_intent> intent_from_text(const std::string& text)
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
        return intent;
    } catch (const std::exception& e) {
        return fault(errc::corrupt, "a landing's intent does not read back").with("cause", e.what());
    }
}

awaitable<result<std::size_t>> recover_landings(std::shared_ptr<project> in)
{
    const auto intents = co_await in->stored([](store& s) { return s.intents(); });
    if (!intents) co_return intents.error();
    std::size_t recovered = 0;
    for (const auto& [id, text] : *intents) {
        const auto t = co_await in->stored([&](store& s) { return s.find(id); });
        if (!t) co_return t.error();
        if (*t && run::is_alive(*in, (*t)->owner)) continue;
        auto intent = intent_from_text(text);
        if (!intent) co_return intent.error();
        auto mended = co_await git::recover_move(in->repository(), std::move(*intent));
        if (!mended) co_return fault(mended.error()).with("task", id);
        if (auto cleared = co_await in->stored([&](store& s) { s.clear_intent(id); }); !cleared)
            co_return cleared.error();
        ++recovered;
    }
    co_return recovered;
}

} // namespace graftline::effects
