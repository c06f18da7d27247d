#include "graftline/effects/agent/agent_output.hpp"

#include "graftline/effects/store/agent_files.hpp"
#include "graftline/runtime/base/utf8.hpp"

#include <algorithm>
#include <filesystem>
#include <span>

namespace graftline::effects {
namespace {

constexpr std::size_t longest_event = std::size_t{4} << 20; // what an agent reports as one line of JSON
constexpr std::size_t longest_plain = std::size_t{64} << 10;
// Of plain output, each time that there is more:
constexpr std::size_t worth_showing = std::size_t{4} << 10; // bytes
constexpr std::size_t lines_shown = 16;

} // namespace

awaitable<void> follow_output(run& r, std::string task, follower& file, agents::output_reader& reader,
                              std::chrono::steady_clock::time_point& heard_at)
{
    line_splitter lines(reader.has_events() ? longest_event : longest_plain);
    file.take_time();
    auto hear = [&](const std::string& line) {
        if (const auto said = reader.feed(line)) r.watcher().said(task, *said);
    };
    for (;;) {
        if (!reader.has_events() && file.skip_all_but(worth_showing)) lines.skip_rest_of_line();
        const auto bytes = co_await file.read_some();
        heard_at = std::chrono::steady_clock::now();
        if (!bytes || bytes->empty()) break; // what cannot be read here is still in the log
        if (reader.has_events()) {
            for (const auto& line : lines.feed(*bytes))
                hear(line);
            continue;
        }
        if (bytes->size() > worth_showing) lines.skip_rest_of_line();
        const auto latest = lines.feed(end_of(*bytes, worth_showing));
        for (const auto& line : std::span(latest).last(std::min(latest.size(), lines_shown)))
            hear(line);
    }
    if (const auto rest = lines.take_rest(); !rest.empty()) hear(rest);
}

std::string earlier_attempt(const task& t, agents::output_format format)
{
    constexpr std::size_t lines = 40, most = std::size_t{256} << 10; // events are long
    if (t.attempt.empty() || t.earlier.empty()) return {};
    std::string text = "The attempt before this one ended: " + t.earlier + "\n";
    const std::filesystem::path folder = t.attempt;
    const auto said = agents::readable_end(tail_of(folder / "stdout.log", 10 * lines, most), format, lines);
    if (!said.empty()) text += "\nThe last that it said and did:\n" + said;
    const auto errors =
        agents::readable_end(tail_of(folder / "stderr.log", lines), agents::output_format::plain, lines);
    if (!errors.empty()) text += "\nThe end of its standard error:\n" + errors;
    return text;
}

} // namespace graftline::effects
