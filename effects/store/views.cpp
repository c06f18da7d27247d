#include "graftline/effects/store/views.hpp"

#include "graftline/effects/store/agent_files.hpp"
#include "graftline/runtime/base/json_text.hpp"

#include <boost/json/serialize.hpp>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

/// Indented by two, as people and line-based tools expect it.
void indent(std::string& into, const json::value& v, std::string margin)
{
    const std::string inner = margin + "  ";
    auto list = [&](char open, char close, const auto& items, auto put) {
        into += open;
        bool first = true;
        for (const auto& item : items) {
            into += first ? "\n" + inner : ",\n" + inner;
            first = false;
            put(item);
        }
        into += first ? std::string(1, close) : "\n" + margin + close;
    };
    if (const auto* object = v.if_object())
        list('{', '}', *object, [&](const auto& field) {
            into += json::serialize(json::string(field.key())) + ": ";
            indent(into, field.value(), inner);
        });
    else if (const auto* array = v.if_array())
        list('[', ']', *array, [&](const json::value& item) { indent(into, item, inner); });
    else
        into += json::serialize(v);
}

std::string text_of(const json::value& v, const std::string& margin = "")
{
    std::string text;
    indent(text, v, margin);
    return utf8_of(text);
}

std::optional<std::string> present(const fs::path& file)
{
    std::error_code failed;
    if (!fs::is_regular_file(file, failed)) return std::nullopt; // a pipe would be waited for; it is replaced
    std::ifstream in(file, std::ios::binary);
    if (!in) return std::nullopt;
    return std::string{std::istreambuf_iterator<char>(in), {}};
}

void write_whole(const fs::path& file, const std::string& text)
{
    if (present(file) == text) return;
    std::error_code ignored; // the write below says what is wrong
    fs::create_directories(file.parent_path(), ignored);
    const fs::path fresh = file.string() + "." + std::to_string(::getpid());
    write_private(fresh, text);
    if (::rename(fresh.c_str(), file.c_str()) != 0)
        throw fault_error(
            system_fault(errno, "a view of the tasks could not be written").with("file", file.string()));
}

const std::string margin = "    "; // of each task in the file of all

/// The file of all tasks, taken apart into the text of each, by id and in order; nullopt when it is not as we
/// write it. By lines: a line break within a task's values is written as \n.
std::optional<std::vector<std::pair<std::string, std::string>>> tasks_in_file(std::string_view text)
{
    constexpr std::string_view id_key = "      \"task_id\": \"";
    std::vector<std::pair<std::string, std::string>> all;
    std::string open, id;
    bool in_list = false;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(line.size() + 1, text.size()));
        if (!in_list) {
            if (line == "  \"tasks\": []," && all.empty()) return all;
            in_list = line == "  \"tasks\": [";
        } else if (line == "  ],") {
            if (open.empty()) return all;
            return std::nullopt;
        } else if (line == margin + "{") {
            open = "{";
        } else if (line == margin + "}" || line == margin + "},") {
            if (id.empty()) return std::nullopt;
            all.emplace_back(std::exchange(id, {}), std::exchange(open, {}) + "\n" + margin + "}");
        } else {
            if (open.empty()) return std::nullopt;
            open.append("\n").append(line);
            if (id.empty() && line.starts_with(id_key))
                id = line.substr(id_key.size(), line.find('"', id_key.size()) - id_key.size());
        }
    }
    return std::nullopt;
}

/// The file of all tasks.
std::string file_of(const std::vector<std::pair<std::string, std::string>>& tasks)
{
    std::string text = "{\n  \"tasks\": [";
    for (const auto& [id, one] : tasks)
        text.append(&one == &tasks.front().second ? "\n" : ",\n").append(margin).append(one);
    text += tasks.empty() ? "]" : "\n  ]";
    return text + ",\n  \"updated_at\": " + json::serialize(json::string(now_text())) + "\n}\n";
}

} // namespace

json::object to_view(const task& t)
{
    json::object metadata = t.spec.metadata;
    metadata["description"] = t.spec.description;
    metadata["agent"] = t.spec.agent;
    return {{"task_id", t.id},
            {"branch_name", t.branch},
            {"worktree_path", t.worktree},
            {"base_branch", t.spec.base.empty() ? target_of(t) : t.spec.base},
            {"status", to_string(t.state)},
            {"created_at", t.created_at},
            {"metadata", std::move(metadata)}};
}

void write_views(store& from, const fs::path& folder)
{
    const auto whole = folder / "task_state.json";
    auto write = [&](const std::vector<task>& changed, std::size_t count) {
        auto known = tasks_in_file(present(whole).value_or(""));
        const bool can_go_on = known && known->size() <= count;
        auto all = can_go_on ? std::move(*known) : std::vector<std::pair<std::string, std::string>>();
        std::unordered_map<std::string, std::size_t> place_of;
        for (std::size_t i = 0; i < all.size(); ++i)
            place_of.emplace(all[i].first, i);
        auto put = [&](const task& t) {
            const auto view = to_view(t);
            const auto [place, fresh] = place_of.emplace(t.id, all.size());
            if (fresh) all.emplace_back(t.id, "");
            all[place->second].second = text_of(view, margin);
            write_whole(folder / "tasks" / t.id / "task_state.json", text_of(view) + "\n");
        };
        if (can_go_on) std::ranges::for_each(changed, put);
        if (all.size() != count) { // never written, by an older graftline, or by somebody else
            all.clear();
            place_of.clear();
            const auto left_out = [](unreadable_row&&) {}; // these views are written all the same
            std::ranges::for_each(from.tasks(left_out), put);
        }
        write_whole(whole, file_of(all));
    };
    from.view_changed(write);
}

} // namespace graftline::effects
