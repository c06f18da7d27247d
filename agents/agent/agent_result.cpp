#include "graftline/agents/agent/agent_result.hpp"

#include "graftline/runtime/base/json_text.hpp"

#include <boost/json/array.hpp>

#include <array>
#include <utility>

namespace graftline::agents {
namespace {

namespace json = boost::json;

constexpr std::array<std::pair<std::string_view, decision>, 4> names{
    {{"approve", decision::approve},
     {"reject", decision::reject},
     {"request_changes", decision::request_changes},
     {"escalate", decision::escalate}}};

fault wrong(std::string what)
{
    return fault(errc::invalid, "the agent's result file is not as it should be: " + std::move(what));
}

result<decision> decision_named(std::string_view text)
{
    for (const auto& [name, value] : names)
        if (name == text) return value;
    return wrong("\"decision\" is one of approve, reject, request_changes, escalate");
}

result<std::vector<std::string>> strings_in(const json::value& v)
{
    std::vector<std::string> strings;
    if (!v.is_array()) return wrong("\"files\" is a list of strings");
    for (const auto& item : v.get_array()) {
        if (!item.is_string()) return wrong("\"files\" is a list of strings");
        strings.emplace_back(item.get_string());
    }
    return strings;
}

} // namespace

std::string_view to_string(decision d) noexcept
{
    for (const auto& [name, value] : names)
        if (value == d) return name;
    return "";
}

result<agent_result> parse_agent_result(std::string_view text)
{
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    agent_result said;
    if (text.size() > largest_result) return wrong("it is larger than 1 MiB");
    if (text.find_first_not_of(" \t\r\n") == text.npos) return said;
    const auto parsed = parse_json(text);
    if (!parsed) return wrong("it is not JSON (" + parsed.error().context().front().second + ")");
    if (!parsed->is_object()) return wrong("it is not a JSON object");
    const auto& object = parsed->get_object();
    if (const auto* v = object.if_contains("decision"); v && !v->is_null()) {
        if (!v->is_string()) return wrong("\"decision\" is a string");
        const auto named = decision_named(v->get_string());
        if (!named) return named.error();
        said.decision = *named;
    }
    if (const auto* v = object.if_contains("summary"); v && !v->is_null()) {
        if (!v->is_string()) return wrong("\"summary\" is a string");
        said.summary = v->get_string();
    }
    if (const auto* v = object.if_contains("files"); v && !v->is_null()) {
        auto files = strings_in(*v);
        if (!files) return files.error();
        said.files = std::move(*files);
    }
    if (const auto* v = object.if_contains("data"); v && !v->is_null()) {
        if (!v->is_object()) return wrong("\"data\" is an object");
        said.data = v->get_object();
    }
    return said;
}

static bool begins_a_line(std::string_view text, std::size_t at)
{
    const auto before = text.substr(0, at).find_last_not_of(" \t");
    return before == text.npos || text[before] == '\n' || text[before] == '\r';
}

std::optional<agent_result> result_at_end(std::string_view message)
{
    const auto trim = [&] { message = message.substr(0, message.find_last_not_of(" \t\r\n") + 1); };
    trim();
    if (message.ends_with("```")) {
        message.remove_suffix(3);
        trim();
    }
    if (!message.ends_with('}')) return std::nullopt;
    constexpr int most_braces = 200; // from the last one on: an object that is whole ends the message
    auto at = message.rfind('{');
    for (int tried = 0; at != message.npos && tried < most_braces; ++tried) {
        auto said = parse_agent_result(message.substr(at));
        const bool decides = said && said->decision != decision::none;
        // Within a sentence it may be quoted: that is enough to stop, and no approval.
        if (decides && (said->decision != decision::approve || begins_a_line(message, at)))
            return std::move(*said);
        if (at == 0) break;
        at = message.rfind('{', at - 1);
    }
    return std::nullopt;
}

} // namespace graftline::agents
