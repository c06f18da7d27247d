#include "graftline/effects/context.hpp"

#include <boost/json/serialize.hpp>

namespace graftline::effects {

awaitable<void> context::record_start(const std::string& path, std::string_view kind, json::value arguments)
{
    effect_record e;
    e.run = run_.id();
    e.path = path;
    e.kind = kind;
    e.arguments = json::serialize(arguments);
    co_await run_.in().must_store([e = std::move(e)](store& s) { s.effect_started(e); });
}

awaitable<void> context::record_end(const std::string& path, bool done, json::value outcome)
{
    co_await run_.in().must_store([run = run_.id(), path, done, text = json::serialize(outcome)](store& s) {
        s.effect_resolved(run, path, done, text);
    });
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

} // namespace graftline::effects
