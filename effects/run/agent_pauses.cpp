#include "graftline/effects/run/agent_pauses.hpp"

#include <algorithm>

namespace graftline::effects {

void agent_pauses::put_off(const std::string& agent, time_point until)
{
    auto& known = off_[agent];
    known.until = std::max(known.until, until);
    ++known.times;
}

std::optional<agent_pauses::time_point> agent_pauses::off_until(std::string_view agent, time_point now) const
{
    const auto known = off_.find(agent);
    if (known == off_.end() || known->second.until <= now) return std::nullopt;
    return known->second.until;
}

int agent_pauses::times_put_off(std::string_view agent) const
{
    const auto known = off_.find(agent);
    return known == off_.end() ? 0 : known->second.times;
}

void agent_pauses::spend(const std::string& agent, std::string words)
{
    spent_.try_emplace(agent, std::move(words));
}

const std::string* agent_pauses::spent(std::string_view agent) const
{
    const auto known = spent_.find(agent);
    return known == spent_.end() ? nullptr : &known->second;
}

} // namespace graftline::effects
