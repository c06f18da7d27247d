#include "graftline/cli/render/status_view.hpp"

#include "graftline/cli/render/task_words.hpp"
#include "graftline/cli/terminal/shown_text.hpp"
#include "graftline/effects/operations/resume_run.hpp"
#include "graftline/effects/worktree/follow_worktree.hpp"

#include <boost/json/array.hpp>

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

namespace graftline::cli {
namespace {

using effects::task;
using enum effects::task_state;

constexpr std::string_view abandoned = "its run has died; graftline resume goes on with it";

std::string number(double value, const char* format)
{
    char text[32];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

std::string resources_line(const resource_reading& r)
{
    return "cpu " + number(r.cpu_percent, "%.0f%%") + " · memory " + number(r.memory_percent, "%.0f%%") +
           ", " + number(r.memory_available_gb, "%.1f GB free") + " · disk " +
           number(r.disk_percent, "%.0f%%") + ", " + number(r.disk_free_gb, "%.1f GB free");
}

std::string time_of(const task& t)
{
    if (t.started_at.empty()) return "-";
    return duration_text(
        effects::seconds_between(t.started_at, t.finished_at.empty() ? effects::now_text() : t.finished_at));
}

/// What is said of a task in the last column.
std::string remark_on(const task& t, const status_view& view)
{
    if (view.is_abandoned(t)) return std::string(abandoned);
    if (!t.reason.empty() && t.state != merged) return harmless_line(t.reason.substr(0, t.reason.find('\n')));
    if (t.state == merged) return target_of(t) + (t.landed.empty() ? "" : " " + t.landed.substr(0, 10));
    return t.branch;
}

std::string row_of(const task& t, const status_view& view, const terminal& on, std::size_t id_width,
                   std::size_t columns)
{
    const auto state = on.in(tint_of(t.state), pad(effects::to_string(t.state), 11));
    const auto head = pad(t.id, id_width + 2) + pad(time_of(t), 8);
    const auto used = 11 + id_width + 2 + 8;
    const auto room = columns > used + 20 ? columns - used : 20;
    const auto remark = remark_on(t, view);
    const auto title_room = remark.empty() ? room : std::max<std::size_t>(10, room / 2 - 1);
    const auto title = shown_title(t, title_room);
    if (remark.empty()) return state + head + title + "\n";
    return state + head + pad(title, title_room) + "  " +
           on.in(tint::faint, fit(remark, room - title_room - 2)) + "\n";
}

std::string unreadable_line(const effects::unreadable_row& row)
{
    return "unreadable " + harmless_line(row.table == "runs" ? "run " + row.id : row.id) + ": " +
           harmless_line(row.why.what());
}

std::string counts_of(const std::vector<task>& tasks)
{
    std::map<effects::task_state, int> count;
    for (const auto& t : tasks)
        ++count[t.state];
    std::string text = std::to_string(tasks.size()) + (tasks.size() == 1 ? " task" : " tasks");
    const char* before = ": ";
    for (const auto& [state, n] : count) {
        text += before + std::to_string(n) + " " + std::string(effects::to_string(state));
        before = ", ";
    }
    return text;
}

} // namespace

awaitable<status_view> status_view::read(std::shared_ptr<effects::project> in, cpu_meter& cpu)
{
    status_view view;
    view.resources = co_await read_resources(in->repository().common_dir(), cpu);
    if (!in->has_state()) co_return view;
    const auto leave_out = [&](effects::unreadable_row&& row) { view.unreadable.push_back(std::move(row)); };
    auto read = [&](effects::store& s) { return std::pair(s.tasks(leave_out), s.runs(leave_out)); };
    auto stored = co_await in->must_store(read);
    for (auto& t : stored.first) {
        const auto there = effects::is_worktree_there(t);
        if (t.worktree.empty() || !there || *there) continue; // one look at each folder, not at all records
        if (auto now = effects::located(in->repository(), t)) t.worktree = std::move(now->worktree);
    }
    view.tasks = std::move(stored.first);
    view.runs = std::move(stored.second);
    view.overlaps = effects::recorded_overlaps(in->state_folder(), view.tasks);
    for (const auto& r : view.runs)
        if (r.finished_at.empty() && effects::run::is_alive(*in, r.id)) view.alive.insert(r.id);
    for (const auto& one : (co_await effects::interrupted_runs(in)).value())
        view.interrupted.insert(one.record.id);
    co_return view;
}

bool status_view::is_abandoned(const task& t) const
{
    return t.state == running && !t.owner.empty() && !alive.contains(t.run);
}

namespace {

/// "running", "died", "done", "interrupted".
std::string state_of(const effects::run_record& r, const status_view& view)
{
    if (view.alive.contains(r.id)) return "running";
    return r.finished_at.empty() ? "died" : r.outcome;
}

std::string line_of(const effects::run_record& r, const status_view& view)
{
    if (view.alive.contains(r.id))
        return r.id + " (" + r.program + ") goes on in process " + std::to_string(r.pid) + "\n";
    const auto state = state_of(r, view);
    const auto count = std::to_string(r.tasks.size()) + (r.tasks.size() == 1 ? " task" : " tasks");
    const auto when = r.finished_at.empty() ? "begun " + r.started_at : "ended " + r.finished_at;
    return r.id + " (" + r.program + ") of " + count + " " +
           (state == "done"   ? "is done"
            : state == "died" ? "died"
                              : "was " + state) +
           ", " + when + (view.interrupted.contains(r.id) ? ": graftline resume " + r.id : "") + "\n";
}

} // namespace

boost::json::object as_json(const status_view& view)
{
    boost::json::array tasks, runs, overlaps, unreadable;
    for (const auto& row : view.unreadable)
        unreadable.push_back(boost::json::object{
            {"table", row.table}, {"id", row.id}, {"reason", row.why.what()}, {"next", row.why.advice()}});
    for (const auto& one : view.overlaps)
        overlaps.push_back(effects::to_public_json(one));
    for (const auto& t : view.tasks) {
        auto one = effects::to_public_json(t);
        if (view.is_abandoned(t)) one["reason"] = abandoned;
        tasks.push_back(std::move(one));
    }
    for (const auto& r : view.runs) {
        const bool goes_on = view.alive.contains(r.id);
        const auto null = boost::json::value(nullptr);
        runs.push_back(boost::json::object{
            {"id", r.id},
            {"program", r.program},
            {"target", r.target.empty() ? null : boost::json::value(r.target)},
            {"pid", goes_on ? boost::json::value(r.pid) : null},
            {"state", state_of(r, view)},
            {"started_at", r.started_at},
            {"finished_at", r.finished_at.empty() ? null : boost::json::value(r.finished_at)}});
    }
    const auto& r = view.resources;
    return {{"tasks", std::move(tasks)},
            {"runs", std::move(runs)},
            {"overlaps", std::move(overlaps)},
            {"unreadable", std::move(unreadable)},
            {"resources", boost::json::object{{"cpu_percent", r.cpu_percent},
                                              {"memory_percent", r.memory_percent},
                                              {"memory_available_gb", r.memory_available_gb},
                                              {"disk_percent", r.disk_percent},
                                              {"disk_free_gb", r.disk_free_gb}}}};
}

std::string as_text(const status_view& view, const terminal& on, std::size_t columns, bool all)
{
    std::string text;
    std::size_t id_width = 4;
    for (const auto& t : view.tasks)
        id_width = std::max(id_width, t.id.size());
    if (!view.tasks.empty())
        text +=
            on.in(tint::faint, pad("STATE", 11) + pad("TASK", id_width + 2) + pad("TIME", 8) + "WHAT") + "\n";
    for (const auto& t : view.tasks)
        text += row_of(t, view, on, id_width, columns);
    text += view.tasks.empty() && view.unreadable.empty()
                ? "No tasks yet. Begin with: graftline run TASK ... -- AGENT-COMMAND\n"
                : counts_of(view.tasks) + "\n";
    for (const auto& one : view.overlaps)
        text += on.in(tint::warning, fit(harmless_line(effects::to_sentence(one)), columns)) + "\n";
    for (const auto& row : view.unreadable)
        text += on.in(tint::warning, fit(unreadable_line(row), columns)) + "\n";
    if (!view.unreadable.empty()) text += view.unreadable.front().why.advice() + "\n";
    for (const auto& r : view.runs)
        if (all || view.alive.contains(r.id) || view.interrupted.contains(r.id)) text += line_of(r, view);
    return text + on.in(tint::faint, resources_line(view.resources)) + "\n";
}

std::string details_of(const task& t, const status_view& view, const terminal& on)
{
    std::string text;
    const auto say = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) text += on.in(tint::faint, pad(name, 12)) + value + "\n";
    };
    say("task", t.id + (t.key.empty() ? "" : " (" + harmless_line(t.key) + ")"));
    say("state", on.in(tint_of(t.state), effects::to_string(t.state)) +
                     (view.is_abandoned(t) ? ": " + std::string(abandoned) : ""));
    text_filter filter;
    say("reason", filter.feed(t.reason) + filter.end());
    say("what", shown_title(t, 2000));
    say("agent", t.spec.agent.empty() ? harmless_line(quoted(t.spec.command)) : t.spec.agent);
    say("branch", t.branch + (t.commit.empty() ? "" : " at " + t.commit.substr(0, 10)));
    say("base", t.base.substr(0, 10) + (t.spec.base.empty() ? "" : " (" + t.spec.base + ")"));
    say("target",
        target_of(t) + (t.state == merged && !t.landed.empty() ? " is " + t.landed.substr(0, 10) : ""));
    say("worktree", t.worktree);
    for (const auto& path : t.conflicts)
        say("conflict", harmless_line(path));
    for (const auto& one : view.overlaps)
        if (one.a == t.id || one.b == t.id) say("overlap", harmless_line(effects::to_sentence(one)));
    for (const auto& before : t.spec.after)
        say("after", before);
    for (const auto& ref : t.rescues)
        say("saved", ref);
    if (t.exit_code) say("exit", std::to_string(*t.exit_code));
    if (t.signal) say("signal", std::to_string(*t.signal));
    if (t.usage)
        say("usage", std::to_string(t.usage->input_tokens) + " tokens in, " +
                         std::to_string(t.usage->output_tokens) + " out, " + cost_text(*t.usage));
    say("created", t.created_at);
    say("started", t.started_at + (t.started_at.empty() ? "" : " (" + time_of(t) + ")"));
    say("finished", t.finished_at);
    if (t.attempts > 0) say("attempts", std::to_string(t.attempts));
    say("log", t.log);
    std::size_t shown = 0;
    for (const auto& path : t.files) {
        if (++shown > 20) {
            say("", "… and " + std::to_string(t.files.size() - 20) + " more files");
            break;
        }
        say(shown == 1 ? "files" : "", harmless_line(path));
    }
    if (t.state == running || t.state == failed)
        for (const auto& line : last_output(t, 5))
            say("output", line);
    bool first = true;
    for (const auto& step : next_steps(t))
        say(std::exchange(first, false) ? "next" : "", step);
    return text;
}

} // namespace graftline::cli
