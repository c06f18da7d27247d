#include "graftline/git/repository/rule_settings.hpp"

#include "graftline/git/repository/watched_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <optional>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

struct known_key {
    std::string_view key;
    const char* otherwise; ///< what git takes where nothing is set; null: a path
    bool converts;
};

constexpr known_key known_keys[]{
    {"add.ignoreerrors", "false", false},       {"core.attributesfile", nullptr, true},
    {"core.autocrlf", "false", true},           {"core.checkroundtripencoding", "SHIFT-JIS", true},
    {"core.checkstat", "default", false},       {"core.eol", "native", true},
    {"core.excludesfile", nullptr, false},      {"core.filemode", "true", false},
    {"core.ignorecase", "false", false},        {"core.ignorestat", "false", false},
    {"core.precomposeunicode", "false", false}, {"core.safecrlf", "warn", true},
    {"core.sparsecheckout", "false", false},    {"core.sparsecheckoutcone", "true", false},
    {"core.symlinks", "true", false},           {"core.trustctime", "true", false},
};

const known_key* find_key(std::string_view key)
{
    const auto found = std::ranges::find(known_keys, key, &known_key::key);
    return found == std::end(known_keys) ? nullptr : &*found;
}

std::string_view name_in(std::string_view key)
{
    return key.substr(key.rfind('.') + 1);
}

/// One of those whose number is not known: a driver's, or a submodule's. Its value for "as if it were not
/// set".
std::optional<std::string> without_effect(std::string_view key)
{
    const std::string_view name = name_in(key);
    if (key.starts_with("submodule.") && name == "ignore") return "none";
    if (!key.starts_with("filter.")) return std::nullopt;
    if (name == "clean" || name == "smudge" || name == "process") return "";
    if (name == "required") return "false";
    return std::nullopt;
}

bool is_true(std::string_view value)
{
    std::string lower(value);
    std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return lower == "true" || lower == "yes" || lower == "on" || lower == "1";
}

/// The file that a setting names, or git's own choice.
fs::path file_of(const setting_values& all, const char* key, const char* usual, const fs::path& relative_to)
{
    const auto found = all.find(key);
    if (found == all.end()) return user_configuration() / "git" / usual;
    if (found->second.starts_with("~/")) return home_folder() / found->second.substr(2);
    return relative_to / found->second;
}

std::string escaped(std::string_view text)
{
    std::string safe;
    for (const char c : text) {
        if (c == '"' || c == '\\') safe += '\\';
        if (c == '\n')
            safe += "\\n";
        else
            safe += c;
    }
    return safe;
}

std::string entry(const std::string& key, std::string_view value)
{
    const auto first = key.find('.');
    const auto last = key.rfind('.');
    std::string section = "[" + key.substr(0, first);
    if (first != last) section += " \"" + escaped(key.substr(first + 1, last - first - 1)) + "\"";
    return section + "]\n\t" + key.substr(last + 1) + " = \"" + escaped(value) + "\"\n";
}

} // namespace

rule_settings rules_among(const setting_values& all, const fs::path& relative_to)
{
    rule_settings rules;
    for (const auto& [key, value] : all) {
        if (find_key(key) || without_effect(key)) rules.values.emplace(key, value);
        // A condition may hold in one worktree and not in another.
        if (key.starts_with("includeif.") || (key == "extensions.worktreeconfig" && is_true(value)))
            rules.may_differ_by_worktree = true;
    }
    rules.excludes = file_of(all, "core.excludesfile", "ignore", relative_to);
    rules.attributes = file_of(all, "core.attributesfile", "attributes", relative_to);
    return rules;
}

bool is_conversion(std::string_view key)
{
    const auto* known = find_key(key);
    return known ? known->converts : key.starts_with("filter.");
}

bool names_file_of_tree(std::string_view path)
{
    return !path.empty() && path.find_first_of("/~%:") != 0;
}

std::string configuration_of(const setting_values& values)
{
    std::string text;
    for (const known_key& known : known_keys) {
        const std::string key(known.key);
        const auto set = values.find(key);
        if (known.otherwise)
            text += entry(key, set == values.end() ? known.otherwise : set->second);
        else if (set != values.end() && names_file_of_tree(set->second))
            text += entry(key, set->second);
    }
    for (const auto& [key, value] : values)
        if (!find_key(key)) text += entry(key, value);
    return text;
}

std::vector<std::string> words_against_new(const setting_values& noted, const setting_values& today)
{
    std::vector<std::string> words;
    for (const auto& [key, value] : today)
        if (const auto nothing = without_effect(key); nothing && !noted.contains(key))
            words.insert(words.end(), {"-c", key + "=" + *nothing});
    return words;
}

} // namespace graftline::git
