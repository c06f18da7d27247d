#include "graftline/effects/radar/overlap_record.hpp"

#include "graftline/git/repository/scratch.hpp"
#include "graftline/runtime/base/json_text.hpp"

#include <boost/json/serialize.hpp>
#include <boost/json/value_to.hpp>

#include <set>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

fs::path record_in(const fs::path& state_folder)
{
    return state_folder / "overlaps.json";
}

json::value text_or_null(const std::string& text)
{
    return text.empty() ? json::value(nullptr) : json::value(text);
}

std::string text_in(const json::value& of, const char* name)
{
    const auto& value = of.at(name);
    return value.is_null() ? std::string() : std::string(value.as_string());
}

} // namespace

json::object to_public_json(const overlap& one)
{
    return {{"a", one.a},
            {"b", text_or_null(one.b)},
            {"target", text_or_null(one.target)},
            {"paths", json::value_from(one.paths)},
            {"kinds", json::value_from(one.kinds)}};
}

result<void> record_overlaps(const fs::path& state_folder, const std::vector<overlap>& present)
{
    if (present.empty()) {
        std::error_code failed;
        fs::remove(record_in(state_folder), failed);
        if (failed) return system_fault(failed.value(), "cannot remove " + record_in(state_folder).string());
        return {};
    }
    json::array all;
    for (const auto& one : present)
        all.push_back(to_public_json(one));
    const json::object document{{"seen_at", now_text()}, {"overlaps", std::move(all)}};
    return git::replace_file(record_in(state_folder), json::serialize(document) + "\n");
}

std::vector<overlap> recorded_overlaps(const fs::path& state_folder, const std::vector<task>& tasks)
{
    std::set<std::string> live;
    for (const auto& t : tasks)
        if (is_live(t)) live.insert(t.id);
    std::vector<overlap> present;
    const std::string text = git::text_of(record_in(state_folder));
    if (text.empty() || live.empty()) return present;
    try {
        const json::value document = parse_json(text).value();
        for (const json::value& one : document.at("overlaps").as_array()) {
            overlap found{text_in(one, "a"), text_in(one, "b"), text_in(one, "target"),
                          json::value_to<std::vector<std::string>>(one.at("paths")),
                          json::value_to<std::vector<std::string>>(one.at("kinds"))};
            if (live.contains(found.a) && (found.b.empty() || live.contains(found.b)))
                present.push_back(std::move(found));
        }
    } catch (const std::exception&) { // written by another version, or damaged: it is only a forecast
        present.clear();
    }
    return present;
}

} // namespace graftline::effects
