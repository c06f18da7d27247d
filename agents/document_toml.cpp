#include "graftline/agents/document.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <sstream>

namespace graftline::agents {
namespace {

place place_of(const toml::source_position& p)
{
    return {std::max<std::size_t>(p.line, 1), std::max<std::size_t>(p.column, 1)};
}

document_value convert(const toml::node& node);

document_table convert(const toml::table& table)
{
    document_table members;
    for (const auto& [key, value] : table)
        members.push_back({std::string(key.str()), place_of(key.source().begin), convert(value)});
    std::ranges::sort(members, {}, &document_member::where); // the library sorts by key
    return members;
}

document_list convert(const toml::array& array)
{
    document_list items;
    for (const auto& item : array)
        items.push_back(convert(item));
    return items;
}

template <class Date> std::string text_of(const Date& date)
{
    std::ostringstream text;
    text << date;
    return std::move(text).str();
}

document_value convert(const toml::node& node)
{
    document_value v{place_of(node.source().begin), nullptr};
    if (const auto* table = node.as_table())
        v.value = convert(*table);
    if (const auto* array = node.as_array())
        v.value = convert(*array);
    if (const auto* text = node.as_string())
        v.value = text->get();
    if (const auto* whole = node.as_integer())
        v.value = whole->get();
    if (const auto* number = node.as_floating_point())
        v.value = number->get();
    if (const auto* yes = node.as_boolean())
        v.value = yes->get();
    if (const auto* date = node.as_date())
        v.value = text_of(date->get());
    if (const auto* time = node.as_time())
        v.value = text_of(time->get());
    if (const auto* moment = node.as_date_time())
        v.value = text_of(moment->get());
    return v;
}

} // namespace

result<document_value> read_toml(std::string_view text, std::string_view file)
{
    const auto parsed = toml::parse(text, file);
    if (!parsed) {
        const auto& error = parsed.error();
        return fault_at(file, place_of(error.source().begin),
                        "not TOML: " + std::string(error.description()));
    }
    return document_value{{}, convert(parsed.table())};
}

} // namespace graftline::agents
