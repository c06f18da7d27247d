#include "graftline/cli/render/agent_versions.hpp"

#include "graftline/agents/text/printable.hpp"
#include "graftline/runtime/async/deadline.hpp"
#include "graftline/runtime/async/parallel.hpp"
#include "graftline/runtime/process/command.hpp"

namespace graftline::cli {
namespace {

using namespace std::chrono_literals;

/// The first line that it prints; empty when there is none.
awaitable<std::string> version_of(std::string program)
{
    constexpr std::size_t longest = 60;
    const auto said = co_await within(10s, run(command(program).args("--version")));
    if (!said || !*said || !(*said)->ok()) co_return std::string();
    const auto& text = (*said)->out;
    co_return agents::shortened(agents::printable(text.substr(0, text.find('\n'))), longest);
}

} // namespace

awaitable<void> tell_versions(std::vector<finding>& of_agents, const agents::settings& settings)
{
    constexpr std::string_view prefix = "agent ";
    std::vector<finding*> known;
    for (auto& f : of_agents) {
        const auto name = f.what.substr(std::min(prefix.size(), f.what.size()));
        const bool is_preset = agents::presets().contains(name) && !settings.agents.contains(name);
        if (f.is == health::fine && is_preset) known.push_back(&f);
    }
    auto ask = [](finding* f) -> awaitable<int> {
        const auto version = co_await version_of(f->detail);
        if (!version.empty()) f->detail += " (" + version + ")";
        co_return 0;
    };
    (void)co_await parallel::map(std::move(known), ask, parallel::options());
}

} // namespace graftline::cli
