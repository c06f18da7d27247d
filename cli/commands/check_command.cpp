#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/render/task_words.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/cli/terminal/shown_text.hpp"
#include "graftline/effects/radar/overlap_record.hpp"
#include "graftline/effects/radar/radar.hpp"

#include <boost/json/value_from.hpp>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>

namespace graftline::cli {
namespace {

using effects::forecast;
using effects::overlap;

boost::json::object as_json(const forecast& seen)
{
    boost::json::array overlaps;
    for (const auto& one : seen.overlaps)
        overlaps.push_back(effects::to_public_json(one));
    return {{"tasks", seen.tasks},
            {"pairs", seen.pairs},
            {"overlaps", std::move(overlaps)},
            {"not_checked", boost::json::value_from(seen.not_checked)},
            {"duration_ms", std::round(seen.milliseconds * 10) / 10}};
}

std::string counted(std::size_t n, const std::string& what)
{
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
}

/// "src/a.c (contents), src/b.c (add/add), 3 more".
std::string where(const overlap& one)
{
    constexpr std::size_t most = 3;
    std::string text;
    for (std::size_t n = 0; n < std::min(most, one.paths.size()); ++n)
        text += (n ? ", " : "") + harmless_line(one.paths[n]) + " (" + harmless_line(one.kinds[n]) + ")";
    if (one.paths.size() > most) text += ", " + std::to_string(one.paths.size() - most) + " more";
    return text;
}

/// Two lines an overlap: who, and below it with whom and where.
std::string table_of(const forecast& seen, const std::map<std::string, effects::task>& tasks,
                     const terminal& on, std::size_t columns)
{
    std::size_t id_width = 4;
    for (const auto& [id, t] : tasks)
        id_width = std::max(id_width, id.size());
    const auto room = columns > id_width + 30 ? columns - id_width - 6 : 24;
    const auto line = [&](const char* before, const std::string& id, const std::string& title) {
        return pad(before, 4) + pad(id, id_width + 2) + fit(title, room) + "\n";
    };
    std::string text;
    for (const auto& one : seen.overlaps) {
        text += line("", one.a, shown_title(tasks.at(one.a), room));
        if (one.b.empty())
            text += line("and", "", "its target " + harmless_line(one.target) + ", as it is now");
        else
            text += line("and", one.b, shown_title(tasks.at(one.b), room));
        text += line("in", "", where(one)) + "\n";
    }
    if (!text.empty()) text = on.in(tint::bad, "These will conflict:") + "\n" + text;
    return text;
}

std::string next_step(const forecast& seen)
{
    const auto between =
        std::ranges::find_if(seen.overlaps, [](const overlap& one) { return !one.b.empty(); });
    if (between != seen.overlaps.end())
        return "Compare them with graftline diff " + between->a + " and graftline diff " + between->b +
               "; land the better one first.\n";
    const auto& one = seen.overlaps.front();
    return "See what it changed with graftline diff " + one.a + ", then merge " + harmless_line(one.target) +
           " in graftline shell " + one.a + ".\n";
}

std::string as_text(const forecast& seen, const std::map<std::string, effects::task>& tasks,
                    const terminal& on, std::size_t columns)
{
    std::string text = table_of(seen, tasks, on, columns);
    for (const auto& one : seen.not_checked)
        text += on.in(tint::faint, "not checked: " + fit(harmless_line(one), columns)) + "\n";
    if (seen.tasks == 0) return text + "There is no task with work that could conflict.\n";
    text += seen.overlaps.empty() ? "No conflict ahead: "
                                  : counted(seen.overlaps.size(), "conflict") + " ahead: ";
    text += counted(seen.tasks, "task") + ", " + counted(seen.pairs, "pair") +
            " checked, uncommitted work included.\n";
    if (!seen.overlaps.empty()) text += next_step(seen);
    return text;
}

} // namespace

awaitable<int> carry_out(session& s, check_arguments asked)
{
    auto in = co_await s.open_to_read();
    std::vector<effects::task> all;
    std::vector<std::string> unreadable;
    auto read = [&](effects::store& from) {
        return from.tasks(
            [&](effects::unreadable_row&& row) { unreadable.push_back(row.id + ": " + row.why.what()); });
    };
    if (in->has_state()) all = co_await in->must_store(read);
    std::map<std::string, effects::task> by_id;
    for (const auto& t : all)
        by_id.emplace(t.id, t);
    auto seen = (co_await effects::forecast_conflicts(*in, std::move(all))).value();
    std::ranges::move(unreadable, std::back_inserter(seen.not_checked));
    if (asked.json)
        s.print_json(as_json(seen));
    else
        s.print(as_text(seen, by_id, s.out(), s.out().is_terminal() ? s.out().columns() : 160));
    co_return seen.overlaps.empty() ? exit_status::done : exit_status::not_all;
}

} // namespace graftline::cli
