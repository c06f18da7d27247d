#include "graftline/effects/views.hpp"

#include "graftline/effects/agent_files.hpp"
#include "graftline/runtime/json_text.hpp"

#include <boost/json/serialize.hpp>

#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <iterator>

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

void write_whole(const fs::path& file, const json::value& v)
{
    std::string text;
    indent(text, v, "");
    text = utf8_of(text) + '\n';
    if (std::ifstream present(file, std::ios::binary); present) {
        const std::string old{std::istreambuf_iterator<char>(present), {}};
        if (old == text) return;
    }
    std::error_code ignored; // the write below says what is wrong
    fs::create_directories(file.parent_path(), ignored);
    const fs::path fresh = file.string() + "." + std::to_string(::getpid());
    write_private(fresh, text);
    if (::rename(fresh.c_str(), file.c_str()) != 0)
        throw fault_error(
            system_fault(errno, "a view of the tasks could not be written").with("file", file.string()));
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
            {"base_branch", t.spec.base.empty() ? t.spec.target : t.spec.base},
            {"status", to_string(t.state)},
            {"created_at", t.created_at},
            {"metadata", std::move(metadata)}};
}

void write_views(store& from, const fs::path& folder)
{
    json::array all;
    const auto left_out = [](unreadable_row&&) {}; // of another task: these views are written all the same
    for (const auto& t : from.tasks(left_out)) {
        auto view = to_view(t);
        write_whole(folder / "tasks" / t.id / "task_state.json", view);
        all.push_back(std::move(view));
    }
    write_whole(folder / "task_state.json",
                json::object{{"tasks", std::move(all)}, {"updated_at", now_text()}});
}

} // namespace graftline::effects
