#include "graftline/agents/agent/output_reader.hpp"

#include "graftline/agents/agent/output_event.hpp"
#include "graftline/runtime/base/json_text.hpp"

#include <algorithm>
#include <deque>
#include <utility>

namespace graftline::agents {
namespace {

constexpr std::size_t longest_gathered = std::size_t{4} << 20;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

bool is_end_of_event(std::string_view line)
{
    const auto end = line.find_last_not_of(" \t\r");
    return end != line.npos && line[end] == '}';
}

} // namespace

std::optional<std::string> output_reader::feed(std::string_view line)
{
    if (std::exchange(is_first_, false) && line.starts_with(byte_order_mark))
        line.remove_prefix(byte_order_mark.size());
    if (!gathered_.empty()) { // inside an object of many lines
        gathered_ += line;
        gathered_ += '\n';
        const bool ends = line.starts_with('}');
        if (!ends && gathered_.size() < longest_gathered) return std::nullopt;
        return take(std::exchange(gathered_, {}));
    }
    const auto start = line.find_first_not_of(" \t\r");
    if (!parser_ || start == line.npos || line[start] != '{') {
        auto text = shown(line);
        if (text) last_line_ = *text;
        return text;
    }
    if (format_ == output_format::gemini && line.find_first_not_of(" \t\r", start + 1) == line.npos) {
        gathered_ = std::string(line) + '\n';
        return std::nullopt;
    }
    return take(line.substr(start));
}

std::optional<std::string> output_reader::take(std::string_view object)
{
    const auto event = parse_json(object);
    return event ? parser_->take(*event) : std::nullopt;
}

std::optional<agents::usage> output_reader::usage() const
{
    return parser_ ? parser_->usage() : std::nullopt;
}

const std::string& output_reader::last_said() const noexcept
{
    return parser_ && !parser_->last_said().empty() ? parser_->last_said() : last_line_;
}

std::optional<agents::trouble> output_reader::trouble() const
{
    return parser_ ? parser_->trouble() : std::nullopt;
}

std::optional<agents::trouble> output_reader::trouble_of_status(int exit_status) const
{
    return parser_ ? parser_->trouble_of_status(exit_status) : std::nullopt;
}

std::vector<std::string> output_reader::denied() const
{
    return parser_ ? parser_->denied() : std::vector<std::string>();
}

std::string readable_end(std::string_view output, output_format format, std::size_t lines)
{
    output_reader reader(format);
    std::deque<std::string> kept;
    bool is_first = true; // a log that is cut begins anywhere
    while (!output.empty()) {
        const auto line = output.substr(0, output.find('\n'));
        output.remove_prefix(std::min(line.size() + 1, output.size()));
        // The first may be half an event; and those of another agent than this one are nothing to read
        // either.
        const bool is_event =
            !reader.has_events() && line.starts_with('{') && line.find("\"type\":") != line.npos;
        const bool is_rest =
            std::exchange(is_first, false) && !line.starts_with('{') && is_end_of_event(line);
        auto said = is_event || is_rest ? std::nullopt : reader.feed(line);
        if (!said || (!kept.empty() && kept.back() == *said)) continue;
        kept.push_back(std::move(*said));
        if (kept.size() > lines) kept.pop_front();
    }
    std::string text;
    for (const auto& line : kept)
        text += line + "\n";
    return text;
}

} // namespace graftline::agents
