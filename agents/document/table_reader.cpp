#include "graftline/agents/document/table_reader.hpp"

#include "graftline/agents/text/nearest.hpp"
#include "graftline/agents/text/words.hpp"

#include <algorithm>
#include <cmath>

namespace graftline::agents {
namespace {

const document_table no_members;

std::string kind_of(const document_value& v)
{
    struct namer {
        std::string operator()(std::nullptr_t) const { return "null"; }
        std::string operator()(bool) const { return "true or false"; }
        std::string operator()(std::int64_t) const { return "a number"; }
        std::string operator()(double) const { return "a number"; }
        std::string operator()(const std::string&) const { return "a string"; }
        std::string operator()(const document_list&) const { return "a list"; }
        std::string operator()(const document_table&) const { return "a table"; }
    };
    return std::visit(namer{}, v.value);
}

std::string in_words(double number)
{
    std::string text = std::to_string(number);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
}

std::string joined(const std::vector<std::string>& words)
{
    std::string text;
    for (const auto& w : words)
        text += (text.empty() ? "" : ", ") + w;
    return text;
}

/// A list of strings, if that is what it is.
std::optional<std::vector<std::string>> strings_in(const document_value& v)
{
    const auto* list = std::get_if<document_list>(&v.value);
    if (!list) return std::nullopt;
    std::vector<std::string> strings;
    for (const auto& item : *list) {
        const auto* text = std::get_if<std::string>(&item.value);
        if (!text) return std::nullopt;
        strings.push_back(*text);
    }
    return strings;
}

} // namespace

void complaints::add(place where, std::string what)
{
    if (!would_tell(where)) return;
    first_ = where;
    what_ = std::move(what);
}

std::optional<fault> complaints::told() const
{
    if (what_.empty()) return std::nullopt;
    return fault_at(file_, first_, what_);
}

table_reader::table_reader(const document_value& table, std::string name, complaints& wrong)
    : table_(std::get_if<document_table>(&table.value)), name_(std::move(name)), wrong_(wrong)
{
    if (table_) return;
    wrong_.add(table.where, (name_.empty() ? "the file" : name_) + " must be a table, not " + kind_of(table));
    table_ = &no_members;
}

const document_member* table_reader::find(std::string_view key)
{
    if (std::ranges::find(known_, key) == known_.end()) known_.emplace_back(key);
    const auto found = std::ranges::find(*table_, key, &document_member::key);
    return found == table_->end() ? nullptr : &*found;
}

void table_reader::complain(place where, std::string_view key, std::string_view what)
{
    wrong_.add(where, "'" + std::string(key) + "'" + (name_.empty() ? "" : " in " + name_) + " " +
                          std::string(what));
}

void table_reader::finish()
{
    for (const auto& m : *table_)
        if (std::ranges::find(known_, m.key) == known_.end() && wrong_.would_tell(m.where))
            wrong_.add(m.where, "unknown key '" + m.key + "'" + (name_.empty() ? "" : " in " + name_) +
                                    did_you_mean(m.key, known_));
}

template <class T> const T* table_reader::as(const document_member& m, std::string_view expected)
{
    const auto* value = std::get_if<T>(&m.value.value);
    if (!value)
        complain(m.value.where, m.key, "must be " + std::string(expected) + ", not " + kind_of(m.value));
    return value;
}

void table_reader::read(std::string_view key, std::string& into)
{
    if (const auto* m = find(key))
        if (const auto* text = as<std::string>(*m, "a string")) into = *text;
}

void table_reader::read(std::string_view key, bool& into)
{
    if (const auto* m = find(key))
        if (const auto* yes = as<bool>(*m, "true or false")) into = *yes;
}

void table_reader::read(std::string_view key, std::vector<std::string>& into)
{
    const auto* m = find(key);
    if (!m) return;
    if (auto strings = strings_in(m->value))
        into = std::move(*strings);
    else
        complain(m->value.where, key, "must be a list of strings");
}

void table_reader::read(std::string_view key, std::map<std::string, std::string>& into)
{
    const auto* m = find(key);
    const auto* table = m ? as<document_table>(*m, "a table of strings") : nullptr;
    if (!table) return;
    into.clear();
    for (const auto& entry : *table) {
        if (const auto* text = std::get_if<std::string>(&entry.value.value))
            into.emplace(entry.key, *text);
        else
            complain(entry.value.where, std::string(key) + "." + entry.key,
                     "must be a string, not " + kind_of(entry.value));
    }
}

void table_reader::read(std::string_view key, boost::json::object& into)
{
    if (const auto* m = find(key))
        if (as<document_table>(*m, "a table")) into = to_json(m->value).get_object();
}

void table_reader::read(std::string_view key, std::chrono::milliseconds& into)
{
    const auto* m = find(key);
    if (!m) return;
    if (std::holds_alternative<std::int64_t>(m->value.value) ||
        std::holds_alternative<double>(m->value.value)) {
        constexpr double year = 366 * 86400;
        if (const auto seconds = number(*m, false, 0, year))
            into = std::chrono::milliseconds(std::llround(*seconds * 1000));
        return;
    }
    const auto* text = as<std::string>(*m, "a duration such as \"30m\"");
    if (!text) return;
    const auto duration = parse_duration(*text);
    if (duration)
        into = *duration;
    else
        complain(m->value.where, key, "is wrong: " + duration.error().what());
}

void table_reader::read_limit(std::string_view key, std::optional<std::chrono::milliseconds>& into)
{
    read(key, into);
    if (!into || into->count() > 0) return;
    complain(find(key)->value.where, key, no_time);
}

std::optional<double> table_reader::number(const document_member& m, bool whole, double low, double high)
{
    std::optional<double> value;
    if (const auto* i = std::get_if<std::int64_t>(&m.value.value)) value = static_cast<double>(*i);
    if (const auto* d = std::get_if<double>(&m.value.value); d && !whole) value = *d;
    if (value && *value >= low && *value <= high) return value;
    complain(m.value.where, m.key,
             std::string("must be a ") + (whole ? "whole " : "") + "number from " + in_words(low) + " to " +
                 in_words(high) + (value ? ", not " + in_words(*value) : ", not " + kind_of(m.value)));
    return std::nullopt;
}

void table_reader::read_size(std::string_view key, std::optional<std::uint64_t>& into)
{
    const auto* m = find(key);
    if (!m) return;
    if (const auto* bytes = std::get_if<std::int64_t>(&m->value.value); bytes && *bytes >= 0) {
        into = static_cast<std::uint64_t>(*bytes);
        return;
    }
    const auto* text = as<std::string>(*m, "a size such as \"2GiB\"");
    if (!text) return;
    const auto size = parse_size(*text);
    if (size)
        into = *size;
    else
        complain(m->value.where, key, "is wrong: " + size.error().what());
}

void table_reader::read_choice(std::string_view key, std::optional<std::string>& into,
                               const std::vector<std::string>& choices)
{
    const auto* m = find(key);
    const auto* text = m ? as<std::string>(*m, "one of " + joined(choices)) : nullptr;
    if (!text) return;
    if (std::ranges::find(choices, *text) != choices.end())
        into = *text;
    else
        complain(m->value.where, key,
                 "must be one of " + joined(choices) + ", not '" + *text + "'" +
                     did_you_mean(*text, choices));
}

std::optional<std::vector<std::string>> table_reader::command_in(const document_value& v,
                                                                 std::string_view key)
{
    if (const auto* text = std::get_if<std::string>(&v.value)) {
        auto words = split_words(*text);
        if (words) return std::move(*words);
        complain(v.where, key, "is wrong: " + words.error().what());
        return std::nullopt;
    }
    auto words = strings_in(v);
    if (words && !words->empty() && !words->front().empty()) return words;
    complain(v.where, key,
             words ? "must name a program first" : "must be a command: a list of words, or one string");
    return std::nullopt;
}

void table_reader::read_command(std::string_view key, std::vector<std::string>& into)
{
    if (const auto* m = find(key))
        if (auto words = command_in(m->value, key)) into = std::move(*words);
}

void table_reader::read_commands(std::string_view key, std::vector<std::vector<std::string>>& into,
                                 flat_list flat)
{
    const auto* m = find(key);
    if (!m) return;
    std::vector<std::vector<std::string>> commands;
    const auto* list = std::get_if<document_list>(&m->value.value);
    const auto words = strings_in(m->value);
    if (words && !words->empty() && flat == flat_list::is_unclear) {
        complain(m->value.where, key,
                 "must be a list of commands; one command alone is written [[\"make\", \"test\"]]");
    } else if (!list || (words && !words->empty())) {
        if (auto command = command_in(m->value, key)) commands.push_back(std::move(*command));
    } else {
        for (const auto& item : *list)
            if (auto command = command_in(item, key)) commands.push_back(std::move(*command));
    }
    into = std::move(commands);
}

} // namespace graftline::agents
