#include "graftline/agents/plan.hpp"

#include "graftline/agents/agent_environment.hpp"
#include "graftline/agents/nearest.hpp"
#include "graftline/agents/table_reader.hpp"
#include "graftline/agents/text_file.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace graftline::agents {
namespace {

constexpr std::size_t most_tasks_at_once = 1000;

/// A string, and where it stands.
using placed = std::pair<std::string, place>;

/// Ids are typed on command lines and stand in branch names.
bool is_id(std::string_view id)
{
    return !id.empty() && id.size() <= 100 && id.front() != '-' &&
           std::ranges::none_of(id, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7F; });
}

/// Reads the tasks one by one; complains of what one alone can have wrong.
class task_reader {
public:
    task_reader(complaints& wrong, const agent_known& known) : wrong_(wrong), known_(known) {}

    void read(const document_value& v, std::size_t number)
    {
        table_reader t(v, "a task", wrong_);
        planned_task task;
        const place id_at = read_id(t, v, number, task);
        read_texts(t, v, task);
        read_agent(t, task.agent);
        read_after(t, task);
        read_files(t, task);
        std::optional<int> priority;
        t.read_number("priority", priority, -1'000'000, 1'000'000);
        task.priority = priority.value_or(0);
        t.read("timeout", task.timeout);
        read_env(t, task);
        t.read("metadata", task.metadata);
        read_stages(t, task);
        t.finish();
        ids_at.push_back(id_at);
        tasks.push_back(std::move(task));
    }

    std::vector<planned_task> tasks;
    std::vector<place> ids_at;               ///< where each task's id stands
    std::vector<std::vector<placed>> afters; ///< what each comes after

private:
    place read_id(table_reader& t, const document_value& v, std::size_t number, planned_task& task)
    {
        task.id = "task-" + std::to_string(number);
        t.read("id", task.id);
        const auto* m = t.find("id");
        const place where = m ? m->value.where : v.where;
        if (!is_id(task.id))
            t.complain(where, "id", "must be 1 to 100 characters without blanks, and not start with '-'");
        if (!seen_.insert(task.id).second) t.complain(where, "id", "is there twice: '" + task.id + "'");
        return where;
    }

    void read_texts(table_reader& t, const document_value& v, planned_task& task)
    {
        t.read("prompt", task.prompt);
        t.read("description", task.description);
        const auto* m = t.find("description");
        if (!m)
            wrong_.add(v.where, "the task '" + task.id + "' has no 'description'");
        else if (const auto fine = check_description(task.description); !fine)
            t.complain(m->value.where, "description", "is wrong: " + fine.error().what());
    }

    void read_agent(table_reader& t, std::string& agent)
    {
        t.read("agent", agent);
        const auto* m = t.find("agent");
        if (m && known_ && !known_(agent))
            t.complain(m->value.where, "agent", "names no agent: '" + agent + "'");
    }

    void read_after(table_reader& t, planned_task& task)
    {
        auto& written = afters.emplace_back();
        t.read("after", task.after);
        const auto* m = t.find("after");
        const auto* list = m ? std::get_if<document_list>(&m->value.value) : nullptr;
        if (!list) return;
        for (const auto& item : *list)
            if (const auto* id = std::get_if<std::string>(&item.value)) written.emplace_back(*id, item.where);
    }

    void read_files(table_reader& t, planned_task& task)
    {
        t.read("files", task.files);
        const auto* m = t.find("files");
        for (std::size_t i = 0; m && i < task.files.size(); ++i) {
            auto normal = normal_glob(task.files[i]);
            if (normal)
                task.files[i] = std::move(*normal);
            else
                t.complain(std::get<document_list>(m->value.value)[i].where, "files",
                           "is wrong: " + normal.error().what());
        }
    }

    void read_env(table_reader& t, planned_task& task)
    {
        t.read("env", task.env);
        const auto* m = t.find("env");
        const auto* table = m ? std::get_if<document_table>(&m->value.value) : nullptr;
        if (!table) return;
        for (const auto& variable : *table)
            if (const auto* value = std::get_if<std::string>(&variable.value.value))
                if (const auto why = why_not_variable(variable.key, *value))
                    t.complain(variable.where, "env." + variable.key, *why);
    }

    void read_stages(table_reader& t, planned_task& task)
    {
        const auto* m = t.find("stages");
        if (!m) return;
        const auto* list = std::get_if<document_list>(&m->value.value);
        if (!list) return t.complain(m->value.where, "stages", "must be a list of tables");
        std::set<std::string> names;
        for (const auto& item : *list) {
            table_reader s(item, "a stage", wrong_);
            planned_stage stage;
            s.read("name", stage.name);
            if (!is_id(stage.name))
                s.complain(item.where, "name", "must be 1 to 100 characters without blanks");
            if (!names.insert(stage.name).second)
                s.complain(item.where, "name", "is there twice: '" + stage.name + "'");
            read_agent(s, stage.agent);
            s.finish();
            task.stages.push_back(std::move(stage));
        }
    }

    complaints& wrong_;
    const agent_known& known_;
    std::set<std::string> seen_;
};

/// Every `after` must name a task of the plan.
void check_ids(const task_reader& read, complaints& wrong)
{
    std::vector<std::string> ids;
    for (const auto& t : read.tasks)
        ids.push_back(t.id);
    for (const auto& written : read.afters)
        for (const auto& [id, where] : written)
            if (std::ranges::find(ids, id) == ids.end())
                wrong.add(where, "'after' names a task that is not in the plan: '" + id + "'" +
                                     did_you_mean(id, ids));
}

/// Tasks that wait for each other would never start. Takes away what can start until nothing more can; what
/// is left has a cycle in it.
void check_cycles(const task_reader& read, complaints& wrong)
{
    std::map<std::string, std::size_t> left; // id to place in the list
    for (std::size_t i = 0; i < read.tasks.size(); ++i)
        left.emplace(read.tasks[i].id, i);
    auto blocker = [&](std::size_t i) {
        return std::ranges::find_if(read.afters[i], [&](const placed& p) { return left.contains(p.first); });
    };
    while (std::erase_if(
               left, [&](const auto& t) { return blocker(t.second) == read.afters[t.second].end(); }) > 0) {
    }
    if (left.empty()) return;

    std::vector<std::string> way{left.begin()->first};
    for (;;) {
        const auto& [next, where] = *blocker(left.at(way.back()));
        const auto met = std::ranges::find(way, next);
        if (met == way.end()) {
            way.push_back(next);
            continue;
        }
        std::string cycle;
        for (auto id = met; id != way.end(); ++id)
            cycle += *id + " comes after ";
        return wrong.add(where, "these tasks wait for each other: " + cycle + next);
    }
}

std::vector<planned_task> read_tasks(const document_value& v, complaints& wrong, const agent_known& known)
{
    const auto* list = std::get_if<document_list>(&v.value);
    if (!list || list->empty()) {
        wrong.add(v.where, list ? "there is no task in the plan" : "'tasks' must be a list of tables");
        return {};
    }
    task_reader reader(wrong, known);
    for (std::size_t i = 0; i < list->size(); ++i)
        reader.read((*list)[i], i + 1);
    check_ids(reader, wrong);
    if (!wrong.told()) check_cycles(reader, wrong);
    for (auto& t : reader.tasks) { // said twice is said once
        std::ranges::sort(t.after);
        t.after.erase(std::ranges::unique(t.after).begin(), t.after.end());
    }
    return std::move(reader.tasks);
}

} // namespace

result<plan> parse_plan(std::string_view text, std::string_view file, const agent_known& known)
{
    const auto document = file.ends_with(".toml") ? read_toml(text, file) : read_json(text, file);
    if (!document) return document.error();
    complaints wrong(file);
    table_reader top(*document, "", wrong);
    plan p;
    top.read("target", p.target);
    top.read_number<std::size_t>("max", p.max, 1, most_tasks_at_once);
    top.read_commands("gate", p.gates, table_reader::flat_list::is_one_command);
    if (const auto* tasks = top.find("tasks"))
        p.tasks = read_tasks(tasks->value, wrong, known);
    else
        wrong.add({}, "there is no task in the plan: it has no 'tasks'");
    top.finish();
    if (auto told = wrong.told()) return *told;
    return p;
}

result<plan> load_plan(const std::filesystem::path& file, const agent_known& known)
{
    const auto text = read_text_file(file);
    if (!text) return text.error();
    return parse_plan(*text, file.string(), known);
}

} // namespace graftline::agents
