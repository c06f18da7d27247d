/// What a run knows of the services that its agents work for: agents of one name share one.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace graftline::effects {

/// Which agents are not to be started for now, and which not again in this run. One run's, on its strand.
class agent_pauses {
public:
    using time_point = std::chrono::system_clock::time_point;

    /// An agent was turned away, and is to be asked again at `until`.
    void put_off(const std::string& agent, time_point until);
    /// Until when none of the name is to be started; nullopt when one may be started at `now`.
    std::optional<time_point> off_until(std::string_view agent, time_point now) const;
    /// How often one was turned away so far.
    int times_put_off(std::string_view agent) const;

    /// Its quota is used up, as it says in its own words.
    void spend(const std::string& agent, std::string words);
    /// Those words; nullptr while there is something left.
    const std::string* spent(std::string_view agent) const;

private:
    struct pause {
        time_point until;
        int times = 0;
    };
    std::map<std::string, pause, std::less<>> off_;
    std::map<std::string, std::string, std::less<>> spent_;
};

} // namespace graftline::effects
