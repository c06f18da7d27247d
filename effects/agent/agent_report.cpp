#include "graftline/effects/agent/agent_report.hpp"

#include "graftline/agents/agent/agent_result.hpp"
#include "graftline/agents/agent/output_reader.hpp"
#include "graftline/agents/agent/passing_trouble.hpp"
#include "graftline/agents/text/printable.hpp"
#include "graftline/runtime/base/utf8.hpp"

#include <algorithm>

namespace graftline::effects {
namespace {

constexpr std::size_t longest_reason = 300;

/// The last line that says something, as a person reads it.
std::string last_line_of(const std::filesystem::path& log)
{
    constexpr std::size_t lines = 20;
    auto text = agents::printable_text(tail_of(log, lines));
    if (const auto end = text.rfind('\n'); end != text.npos) text.erase(0, end + 1);
    return agents::shortened(text, longest_reason);
}

/// Of an agent that says nothing else of its end: what it printed last.
std::string last_words(const agents::output_reader& said, const agent_files& files)
{
    if (auto line = last_line_of(files.errors()); !line.empty()) return line;
    if (!said.has_events()) return last_line_of(files.output());
    const auto& message = said.last_said();
    return agents::shortened(agents::printable(message.substr(0, message.find('\n'))), longest_reason);
}

std::string last_lines(const agent_files& files)
{
    constexpr std::size_t lines = 5;
    return tail_of(files.output(), lines) + "\n" + tail_of(files.errors(), lines);
}

/// Its own account of why it failed; where it has events, nothing but they are believed.
std::optional<agents::trouble> trouble_of(const exit_record& ended, const agents::output_reader& said,
                                          const agent_files& files)
{
    if (auto reported = said.trouble()) return reported;
    if (ended.how != ending::exited || ended.code == 0) return std::nullopt;
    if (auto by_status = said.trouble_of_status(ended.code)) return by_status;
    const auto is = said.has_events() ? agents::outlook::stays : agents::outlook_of_output(last_lines(files));
    return agents::trouble{last_words(said, files), is, std::nullopt};
}

void take_trouble(agent_report& report, const exit_record& ended, const agents::output_reader& said,
                  const agent_files& files)
{
    const auto trouble = trouble_of(ended, said, files);
    const auto unfinished = said.unfinished();
    const bool exited = ended.how == ending::exited;
    report.done = exited && ended.code == 0 && !trouble && unfinished.empty();
    if (report.done) return;
    const auto& words = trouble ? trouble->words : exited && ended.code == 0 ? unfinished : std::string();
    if (!words.empty()) report.how += ": " + words;
    if (!trouble || !exited) return;
    report.may_pass = trouble->is == agents::outlook::passes;
    report.is_spent = trouble->is == agents::outlook::spent;
    report.retry_after_ms = trouble->retry_after.value_or(std::chrono::milliseconds(0)).count();
}

void undecided(agent_report& report, const std::string& why)
{
    report.done = false;
    report.is_undecided = true;
    report.how = why;
}

void take_decision(agent_report& report, const agents::agent_result& said)
{
    using enum agents::decision;
    report.decision = agents::to_string(said.decision);
    report.summary = said.summary;
    if (!report.done || said.decision == none || said.decision == approve) return;
    const auto words =
        "the agent decided: " + report.decision + (report.summary.empty() ? "" : ": " + report.summary);
    if (said.decision == escalate) return undecided(report, words);
    report.done = false;
    report.how = words;
}

/// The exit status comes first; a decision can only take a success back.
void take_result(agent_report& report, const agents::output_reader& said, const agent_files& files,
                 asked_of_agent asked)
{
    const auto text = files.read_result();
    auto decided = text && *text ? agents::parse_agent_result(**text) : agents::agent_result();
    const auto unreadable = !text ? text.error().what() : !decided ? decided.error().what() : std::string();
    if (!unreadable.empty()) {
        report.done = report.may_pass = report.is_spent = false;
        report.how = "its result file cannot be read: " + unreadable;
        return;
    }
    if (asked.decides && decided->decision == agents::decision::none) {
        constexpr std::size_t lines = 60;
        const auto message = said.has_events() ? said.last_said() : tail_of(files.output(), lines);
        if (auto found = agents::result_at_end(message)) decided = std::move(*found);
    }
    take_decision(report, *decided);
    if (asked.decides && report.done && report.decision.empty())
        undecided(report,
                  "it said nothing of what it decided, neither in its result file nor at the end of its "
                  "last message");
}

} // namespace

agent_report report_of(const exit_record& ended, const agents::output_reader& said, const agent_files& files,
                       asked_of_agent asked)
{
    agent_report report;
    report.ending = to_string(ended.how);
    report.how = ended.words;
    if (ended.how == ending::exited) report.exit_code = ended.code;
    if (ended.signo != 0) report.signal = ended.signo;
    using std::chrono::duration_cast, std::chrono::milliseconds;
    report.duration_ms =
        std::max<std::int64_t>(0, duration_cast<milliseconds>(ended.ended_at - ended.started_at).count());
    if (const auto used = said.usage())
        report.usage = token_usage{used->input_tokens, used->output_tokens, used->cost_usd.value_or(0),
                                   used->cost_usd.has_value()};
    for (const auto& what : said.denied())
        report.denied += (report.denied.empty() ? "" : ", ") + what;
    constexpr std::size_t longest_handed_on = 8 * 1024;
    if (asked.is_stage && said.has_events()) report.said = end_of(said.last_said(), longest_handed_on);
    take_trouble(report, ended, said, files);
    take_result(report, said, files, asked);
    return report;
}

} // namespace graftline::effects
