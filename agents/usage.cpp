#include "graftline/agents/usage.hpp"

#include "graftline/agents/printable.hpp"
#include "graftline/runtime/json_text.hpp"

#include <boost/json/object.hpp>

#include <algorithm>
#include <utility>

namespace graftline::agents {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_shown = 400;
constexpr std::size_t longest_said = 8000;
constexpr std::size_t longest_gathered = 4 * 1024 * 1024;

/// What stands at a path such as "/message/usage"; nullptr when nothing does.
const json::value* look(const json::value& v, std::string_view path)
{
    json::error_code absent;
    return v.find_pointer(path, absent);
}

std::string_view text_at(const json::value& v, std::string_view path)
{
    const auto* found = look(v, path);
    return found && found->is_string() ? std::string_view(found->get_string()) : std::string_view();
}

double number_at(const json::value& v, std::string_view path)
{
    const auto* found = look(v, path);
    const double number = found && found->is_number() ? found->to_number<double>() : 0;
    return number > 0 && number < 1e15 ? number : 0;
}

std::int64_t count_at(const json::value& v, std::string_view path)
{
    return static_cast<std::int64_t>(number_at(v, path));
}

std::string_view first_line(std::string_view text)
{
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
    return text.substr(0, text.find('\n'));
}

std::string_view last_line(std::string_view text)
{
    text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
    const auto start = text.rfind('\n');
    return start == text.npos ? text : text.substr(start + 1);
}

std::optional<std::string> shown(std::string_view line)
{
    auto text = shortened(printable(line), longest_shown);
    if (text.empty()) return std::nullopt;
    return text;
}

/// "Edit src/a.cpp": a tool and what it is used on.
std::optional<std::string> tool_line(std::string_view tool, const json::value* input)
{
    std::string line(tool);
    for (const char* key :
         {"/command", "/file_path", "/filePath", "/path", "/pattern", "/url", "/description"})
        if (const auto what = input ? text_at(*input, key) : std::string_view(); !what.empty())
            return shown(line + " " + std::string(first_line(what)));
    return shown(line);
}

} // namespace

std::optional<std::string> output_reader::feed(std::string_view line)
{
    const auto start = line.find_first_not_of(" \t\r");
    if (!gathered_.empty()) { // inside an object of many lines
        gathered_ += line;
        gathered_ += '\n';
        const bool ends = line.starts_with('}');
        if (!ends && gathered_.size() < longest_gathered) return std::nullopt;
        const auto object = parse_json(std::exchange(gathered_, {}));
        return object ? event(*object) : std::nullopt;
    }
    const bool object = format_ != output_format::plain && start != line.npos && line[start] == '{';
    if (!object) {
        auto text = shown(line);
        if (text) last_said_ = *text;
        return text;
    }
    if (format_ == output_format::gemini && line.find_first_not_of(" \t\r", start + 1) == line.npos) {
        gathered_ = std::string(line) + '\n';
        return std::nullopt;
    }
    const auto parsed = parse_json(line.substr(start));
    return parsed ? event(*parsed) : std::nullopt;
}

std::optional<std::string> output_reader::event(const json::value& e)
{
    switch (format_) {
    case output_format::claude: return claude(e);
    case output_format::codex: return codex(e);
    case output_format::gemini: return gemini(e);
    case output_format::opencode: return opencode(e);
    case output_format::plain: break;
    }
    return std::nullopt;
}

std::optional<std::string> output_reader::said(std::string_view text)
{
    auto readable = shortened(printable_text(text), longest_said);
    if (readable.empty()) return std::nullopt;
    last_said_ = std::move(readable);
    return shown(first_line(last_said_));
}

std::optional<std::string> output_reader::failed(std::string_view text)
{
    if (text.empty()) return std::nullopt;
    trouble_ = shortened(printable(first_line(text)), longest_shown);
    return trouble_;
}

std::optional<std::string> output_reader::claude(const json::value& e)
{
    const auto type = text_at(e, "/type");
    if (type == "result") {
        const auto* reported = look(e, "/usage");
        if (reported)
            usage_ = agents::usage{count_at(*reported, "/input_tokens") +
                                       count_at(*reported, "/cache_creation_input_tokens") +
                                       count_at(*reported, "/cache_read_input_tokens"),
                                   count_at(*reported, "/output_tokens"), number_at(e, "/total_cost_usd")};
        const auto* is_error = look(e, "/is_error");
        if (is_error && is_error->is_bool() && is_error->get_bool())
            return failed(text_at(e, "/result").empty() ? text_at(e, "/subtype") : text_at(e, "/result"));
        return said(text_at(e, "/result"));
    }
    const auto* content = type == "assistant" ? look(e, "/message/content") : nullptr;
    std::optional<std::string> line;
    if (content && content->is_array())
        for (const auto& part : content->get_array()) {
            auto next = text_at(part, "/type") == "text" ? said(text_at(part, "/text"))
                        : text_at(part, "/type") == "tool_use"
                            ? tool_line(text_at(part, "/name"), look(part, "/input"))
                            : std::nullopt;
            if (next) line = std::move(next);
        }
    return line;
}

std::optional<std::string> output_reader::codex(const json::value& e)
{
    const auto type = text_at(e, "/type");
    if (type == "turn.completed") {
        auto& sum = usage_ ? *usage_ : usage_.emplace();
        sum.input_tokens += count_at(e, "/usage/input_tokens");
        sum.output_tokens += count_at(e, "/usage/output_tokens");
        return std::nullopt;
    }
    if (type == "turn.failed") return failed(text_at(e, "/error/message"));
    if (type == "error") return failed(text_at(e, "/message"));
    if (!type.starts_with("item.")) return std::nullopt;
    const auto kind =
        text_at(e, "/item/type").empty() ? text_at(e, "/item/item_type") : text_at(e, "/item/type");
    if (type == "item.completed" && (kind == "agent_message" || kind == "assistant_message"))
        return said(text_at(e, "/item/text"));
    if (type == "item.started" && kind == "command_execution")
        return shown(first_line(text_at(e, "/item/command")));
    if (type == "item.completed" && kind == "file_change")
        return tool_line("edited", look(e, "/item/changes/0"));
    return std::nullopt;
}

std::optional<std::string> output_reader::gemini(const json::value& e)
{
    const auto type = text_at(e, "/type");
    if (type == "message" && text_at(e, "/role") == "assistant") {
        const auto* delta = look(e, "/delta");
        if (!delta || !delta->is_bool() || !delta->get_bool()) streamed_.clear();
        streamed_ += text_at(e, "/content");
        if (streamed_.size() > 2 * longest_said) streamed_.erase(0, longest_said); // its end is what counts
        (void)said(streamed_);
        return shown(last_line(streamed_));
    }
    if (type == "tool_use") streamed_.clear();
    if (type == "tool_use") return tool_line(text_at(e, "/tool_name"), look(e, "/parameters"));
    if (type == "error") return failed(text_at(e, "/message"));
    if (look(e, "/stats")) {
        agents::usage sum{count_at(e, "/stats/input_tokens"), count_at(e, "/stats/output_tokens"), 0};
        if (const auto* models = look(e, "/stats/models");
            models && models->is_object() && !look(e, "/stats/input_tokens"))
            for (const auto& model : models->get_object()) {
                sum.input_tokens += count_at(model.value(), "/tokens/prompt");
                sum.output_tokens += count_at(model.value(), "/tokens/candidates") +
                                     count_at(model.value(), "/tokens/thoughts");
            }
        usage_ = sum;
    }
    if (look(e, "/error")) return failed(text_at(e, "/error/message"));
    return said(text_at(e, "/response"));
}

std::optional<std::string> output_reader::opencode(const json::value& e)
{
    const auto type = text_at(e, "/type");
    if (type == "text") return said(text_at(e, "/part/text"));
    if (type == "tool_use") return tool_line(text_at(e, "/part/tool"), look(e, "/part/state/input"));
    if (type == "step_finish") {
        auto& sum = usage_ ? *usage_ : usage_.emplace();
        sum.input_tokens += count_at(e, "/part/tokens/input") + count_at(e, "/part/tokens/cache/read") +
                            count_at(e, "/part/tokens/cache/write");
        sum.output_tokens += count_at(e, "/part/tokens/output") + count_at(e, "/part/tokens/reasoning");
        sum.cost_usd += number_at(e, "/part/cost");
    }
    if (type == "error")
        for (const char* where : {"/error/data/message", "/error/message", "/message", "/error/name"})
            if (const auto words = text_at(e, where); !words.empty()) return failed(words);
    return std::nullopt;
}

} // namespace graftline::agents
