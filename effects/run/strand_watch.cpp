#include "graftline/effects/run/strand_watch.hpp"

namespace graftline::effects {
namespace {

using namespace std::chrono_literals;

constexpr auto patience = 5s;

std::string what_is_wrong(const std::vector<std::string>& strands)
{
    std::string names;
    for (const auto& path : strands)
        names += (names.empty() ? "" : ", ") + path;
    return "The program at " + (names.empty() ? "the run's start" : names) + " has been busy for " +
           std::to_string(patience.count()) +
           " s, and outcomes of other strands wait for it. What it awaits there must be an effect, or be "
           "awaited by context::external.";
}

} // namespace

awaitable<void> watch_strands(run& r)
{
    auto& past = r.past();
    for (std::optional<std::uint64_t> told;;) {
        co_await past.wait_until_held_up();
        const auto before = past.rests();
        co_await r.time().wait_for(patience);
        const bool still = past.is_held_up() && past.rests() == before;
        if (!still || told == before) continue;
        told = before;
        r.watcher().note(what_is_wrong(past.busy()));
    }
}

} // namespace graftline::effects
