#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/render/agent_versions.hpp"
#include "graftline/cli/render/checkup.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/cli/terminal/shown_text.hpp"

#include <boost/json/array.hpp>

#include <algorithm>

namespace graftline::cli {
namespace {

const char* word_for(health is)
{
    return is == health::fine ? "ok" : is == health::lacking ? "note" : "missing";
}

boost::json::object as_json(const std::vector<finding>& findings, bool usable)
{
    boost::json::array checks;
    for (const auto& f : findings)
        checks.push_back(boost::json::object{{"what", f.what}, {"is", word_for(f.is)}, {"detail", f.detail}});
    return {{"usable", usable}, {"checks", std::move(checks)}};
}

std::string as_text(const std::vector<finding>& findings, bool usable, const terminal& on)
{
    std::string text;
    for (const auto& f : findings) {
        const auto color = f.is == health::fine      ? tint::good
                           : f.is == health::lacking ? tint::warning
                                                     : tint::bad;
        text_filter filter;
        text += on.in(color, pad(word_for(f.is), 9)) + pad(f.what, 16) + filter.feed(f.detail) + "\n";
    }
    return text +
           (usable ? "Everything that is needed is here.\n" : "Something that is needed is missing.\n");
}

} // namespace

awaitable<int> carry_out(session& s, doctor_arguments asked)
{
    auto findings = check_machine();
    agents::settings settings;
    // What keeps other commands from working is a finding here.
    std::optional<fault> unusable;
    try {
        auto in = co_await s.open_to_read();
        settings = in->settings();
        auto of_project = co_await check_project(in);
        findings.insert(findings.begin(), of_project.begin(), of_project.end());
    } catch (const fault_error& e) {
        unusable = e.why();
    }
    if (unusable)
        findings.insert(findings.begin(),
                        {health::broken, unusable->is(errc::invalid) ? "configuration" : "repository",
                         unusable->message()});
    auto of_agents = check_agents(settings);
    co_await tell_versions(of_agents, settings);
    findings.insert(findings.end(), of_agents.begin(), of_agents.end());

    const bool usable = std::ranges::none_of(findings, [](const auto& f) { return f.is == health::broken; });
    if (asked.json)
        s.print_json(as_json(findings, usable));
    else
        s.print(as_text(findings, usable, s.out()));
    co_return usable ? exit_status::done : exit_status::unusable;
}

} // namespace graftline::cli
