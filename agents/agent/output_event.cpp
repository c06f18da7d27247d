#include "graftline/agents/agent/output_event.hpp"

#include "graftline/agents/text/printable.hpp"

#include <algorithm>

namespace graftline::agents {

namespace json = boost::json;

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

bool is_true_at(const json::value& v, std::string_view path)
{
    const auto* found = look(v, path);
    return found && found->is_bool() && found->get_bool();
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

std::optional<std::string> tool_line(std::string_view tool, const json::value* input)
{
    for (const char* key :
         {"/command", "/file_path", "/filePath", "/path", "/pattern", "/url", "/description"})
        if (const auto what = input ? text_at(*input, key) : std::string_view(); !what.empty())
            return shown(std::string(tool) + " " + std::string(first_line(what)));
    return shown(tool);
}

} // namespace graftline::agents
