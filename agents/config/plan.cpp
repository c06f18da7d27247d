#include "graftline/agents/config/plan.hpp"

#include "graftline/agents/agent/agent_environment.hpp"
#include "graftline/agents/document/table_reader.hpp"
#include "graftline/agents/files/text_file.hpp"
#include "graftline/agents/text/nearest.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
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
        t.read_limit("timeout", task.timeout);
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
            s.read("prompt", stage.prompt);
            stage.decides = stage.name == "review";
            s.read("decides", stage.decides);
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
    const std::unordered_set<std::string_view> known(ids.begin(), ids.end());
    for (const auto& written : read.afters)
        for (const auto& [id, where] : written)
            if (!known.contains(id) && wrong.would_tell(where))
                wrong.add(where, "'after' names a task that is not in the plan: '" + id + "'" +
                                     did_you_mean(id, ids));
}

/// For each task the places in the list of those that it comes after.
std::vector<std::vector<std::size_t>> places_before(const task_reader& read)
{
    std::unordered_map<std::string_view, std::size_t> place_of;
    for (std::size_t i = 0; i < read.tasks.size(); ++i)
        place_of.emplace(read.tasks[i].id, i);
    std::vector<std::vector<std::size_t>> before(read.tasks.size());
    for (std::size_t i = 0; i < before.size(); ++i)
        for (const auto& [id, where] : read.afters[i])
            before[i].push_back(place_of.at(id));
    return before;
}

/// Which tasks could never start. Takes away what can start until nothing more can; what is left has a cycle
/// in it, or waits for one.
std::vector<bool> stuck_tasks(const std::vector<std::vector<std::size_t>>& before)
{
    std::vector<std::vector<std::size_t>> behind(before.size());
    std::vector<std::size_t> waits_for(before.size()), can_start;
    for (std::size_t i = 0; i < before.size(); ++i) {
        waits_for[i] = before[i].size();
        if (before[i].empty()) can_start.push_back(i);
        for (const auto b : before[i])
            behind[b].push_back(i);
    }
    std::vector<bool> stuck(before.size(), true);
    while (!can_start.empty()) {
        const auto one = can_start.back();
        can_start.pop_back();
        stuck[one] = false;
        for (const auto next : behind[one])
            if (--waits_for[next] == 0) can_start.push_back(next);
    }
    return stuck;
}

/// Tasks that wait for each other would never start. Told of is the first cycle that is met from the first
/// stuck id on, in the order of the alphabet.
void check_cycles(const task_reader& read, complaints& wrong)
{
    const auto before = places_before(read);
    const auto stuck = stuck_tasks(before);
    std::optional<std::size_t> first;
    for (std::size_t i = 0; i < stuck.size(); ++i)
        if (stuck[i] && (!first || read.tasks[i].id < read.tasks[*first].id)) first = i;
    if (!first) return;

    std::vector<std::size_t> way{*first};
    std::vector<bool> met(before.size());
    for (;;) {
        const auto at = way.back();
        met[at] = true;
        const auto blocker = std::ranges::find_if(before[at], [&](std::size_t b) { return stuck[b]; });
        if (!met[*blocker]) {
            way.push_back(*blocker);
            continue;
        }
        std::string cycle;
        for (auto one = std::ranges::find(way, *blocker); one != way.end(); ++one)
            cycle += read.tasks[*one].id + " comes after ";
        const auto& where = read.afters[at][static_cast<std::size_t>(blocker - before[at].begin())].second;
        return wrong.add(where, "these tasks wait for each other: " + cycle + read.tasks[*blocker].id);
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
