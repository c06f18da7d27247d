#include "graftline/cli/render/summary.hpp"

#include "graftline/cli/render/task_words.hpp"
#include "graftline/cli/terminal/shown_text.hpp"

namespace graftline::cli {
namespace {

using enum effects::task_state;

constexpr std::string_view indent = "             ";

std::string line(std::string_view text)
{
    return std::string(indent).append(text) + "\n";
}

/// Where its work is now.
std::string place_of(const effects::task& t)
{
    if (t.state == merged && !t.landed.empty()) return target_of(t) + " is " + t.landed.substr(0, 10);
    if (t.branch.empty()) return {};
    return "branch " + t.branch + (t.commit.empty() ? "" : " at " + t.commit.substr(0, 10));
}

std::size_t columns_on(const terminal& on)
{
    return on.is_terminal() ? std::max<std::size_t>(on.columns(), 60) : 160;
}

/// What has landed needs no more than a line: there is nothing to do about it.
bool is_said_in_head(const effects::task& t)
{
    return t.state == merged && !t.landed.empty();
}

/// Running still is what could not be recorded as pending: the disk was full. What a landing was interrupted
/// for stays its run's.
bool is_to_go_on(const effects::task& t)
{
    return t.state == pending || t.state == running || (t.state != failed && !t.owner.empty());
}

std::string reason_of(const effects::task& t)
{
    text_filter filter;
    const auto text = filter.feed(t.reason) + filter.end();
    std::string lines;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        lines += line(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

/// As many of the next commands as fit into a line, at least one.
std::string next_line(const effects::task& t)
{
    std::string text;
    for (const auto& step : next_steps(t)) {
        if (!text.empty() && text.size() + step.size() > 66) break;
        text += (text.empty() ? "next: " : " or ") + step;
    }
    return text;
}

std::string count_line(const effects::run_report& report)
{
    std::map<std::string_view, int> count;
    for (const auto& t : report.tasks)
        ++count[effects::to_string(t.state)];
    std::string text;
    for (const auto& [state, n] : count)
        text += (text.empty() ? "" : ", ") + std::to_string(n) + " " + std::string(state);
    return text;
}

/// What all of its agents used; empty when none says.
std::string usage_line(const effects::run_report& report)
{
    std::optional<effects::token_usage> sum;
    for (const auto& t : report.tasks)
        if (t.usage) sum = sum ? *sum + *t.usage : *t.usage;
    if (!sum) return {};
    return std::to_string(sum->input_tokens) + " tokens in, " + std::to_string(sum->output_tokens) +
           " out, " + cost_text(*sum) + "\n";
}

/// The first of many, a line each.
template <class T> std::string lines_of(std::string_view heading, const std::vector<T>& all)
{
    constexpr std::size_t most = 10;
    if (all.empty()) return {};
    std::string text(heading);
    text += "\n";
    for (std::size_t i = 0; i < std::min(most, all.size()); ++i)
        text += "  " + harmless_line(effects::words_of(all[i])) + "\n";
    if (all.size() > most) text += "  and " + std::to_string(all.size() - most) + " more\n";
    return text;
}

/// What the run's tasks do not say.
std::string beside_lines(const effects::shared_changes& beside)
{
    return lines_of("While the run went on, others put on its target:", beside.foreign) +
           lines_of("While the run went on, this came into the repository, and may be its agents' work:",
                    beside.left) +
           lines_of("While the run went on, this went out of the repository:", beside.lost);
}

std::string head_line(const effects::task& t, const terminal& on)
{
    const auto columns = columns_on(on);
    const auto head = pad(
        t.started_at.empty() ? "" : duration_text(effects::seconds_between(t.started_at, t.finished_at)), 7);
    const auto agent = t.spec.agent.empty() ? "" : " (" + t.spec.agent + ")";
    const auto landed = is_said_in_head(t) ? "  " + place_of(t) : "";
    const auto used = indent.size() + t.id.size() + 2 + 7 + agent.size() + columns_of(landed) + 1;
    return on.in(tint_of(t.state), pad(effects::to_string(t.state), indent.size())) + t.id + "  " + head +
           shown_title(t, columns > used + 10 ? columns - used : 10) + on.in(tint::faint, agent + landed) +
           "\n";
}

} // namespace

std::string outcome_of(const effects::task& t, const terminal& on)
{
    const auto columns = columns_on(on);
    std::string text = head_line(t, on);
    if (const auto place = place_of(t); !place.empty() && !is_said_in_head(t))
        text += line(on.in(tint::faint, place));
    // A path that is broken over two lines helps nobody: graftline shell leads there too.
    if (!t.worktree.empty() && columns_of(t.worktree) + indent.size() + 9 <= columns)
        text += line(on.in(tint::faint, "worktree " + t.worktree));
    text += reason_of(t);
    if (t.state == failed)
        for (const auto& said : last_output(t, 5))
            text += line(on.in(tint::faint, "| ") +
                         fit(said, on.is_terminal() ? columns - indent.size() - 3 : 500));
    for (const auto& ref : t.rescues)
        text += line("saved: " + ref);
    // Of a task without any other work, its reason has said it.
    if (!t.commit.empty() || t.state != completed)
        for (const auto& one : t.left)
            text += line("left: " + harmless_line(effects::words_of(one)));
    if (t.state == merged) return text;
    if (const auto steps = next_line(t); !steps.empty()) text += line(steps);
    return text;
}

std::string summary_of(const effects::run_report& report, const terminal& on)
{
    std::string text;
    for (const auto& t : report.tasks) {
        // Of what was interrupted the last line says all.
        text += report.interrupted && is_to_go_on(t) ? head_line(t, on) : outcome_of(t, on);
    }
    if (report.tasks.empty()) return "No tasks.\n";
    text += on.in(tint::strong, count_line(report)) + " in " + duration_text(report.duration_s) + "\n";
    text += usage_line(report);
    text += beside_lines(report.beside);
    if (report.interrupted) {
        const bool some = std::ranges::any_of(report.tasks, is_to_go_on);
        if (report.environment_fault) text += report.environment_fault->message() + "\n";
        if (some)
            text += std::string(report.environment_fault ? "Once that is mended, go on with"
                                                         : "Interrupted. Go on with") +
                    ": graftline resume " + report.run + "\n";
    }
    return text;
}

} // namespace graftline::cli
