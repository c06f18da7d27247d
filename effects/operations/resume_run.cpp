#include "graftline/effects/operations/resume_run.hpp"

#include "graftline/effects/carry_out.hpp"
#include "graftline/effects/landing/landing_intent.hpp"
#include "graftline/effects/operations/after_boot.hpp"
#include "graftline/effects/operations/operations.hpp"
#include "graftline/effects/run/other_user.hpp"

#include <algorithm>

namespace graftline::effects {
namespace {

/// Of a landing or undoing that was cut short also what it had not come to yet: nobody's, and as it was then.
bool is_still_asked_for(const task& t, const run_record& r)
{
    if (!t.owner.empty() || std::ranges::find(r.tasks, t.id) == r.tasks.end()) return false;
    if (r.program == "land") return t.state == task_state::completed && !t.commit.empty() && t.undone.empty();
    return t.state == task_state::merged && t.finished_at < r.started_at;
}

bool is_open(const task& t, const run_record& r)
{
    using enum task_state;
    const bool its = t.owner == r.id;
    if (is_replayed(r.program))
        return its && t.state != cancelled && t.state != failed && t.state != discarded;
    return (its && (t.state == completed || t.state == merged)) || is_still_asked_for(t, r);
}

std::size_t number_at(const json::object& arguments, std::string_view key)
{
    const auto* value = arguments.if_contains(key);
    return value && value->is_number() ? value->to_number<std::size_t>() : 0;
}

bool is_true_at(const json::object& arguments, std::string_view key)
{
    const auto* value = arguments.if_contains(key);
    return value && value->is_bool() && value->get_bool();
}

fault no_such_run(const std::string& handle)
{
    if (handle.empty())
        return fault(errc::not_found, "there is no run to go on with")
            .advise("See them: graftline status --all");
    return fault(errc::not_found, "there is no run '" + handle + "'")
        .advise("See them: graftline status --all");
}

} // namespace

namespace {

/// What is left to do of a run that is not done, in its order.
std::vector<task> open_tasks(store& s, const run_record& r)
{
    std::vector<task> some;
    if (is_replayed(r.program))
        some = s.tasks_owned_by(r.id);
    else
        for (const auto& id : r.tasks)
            if (auto t = s.find(id)) some.push_back(std::move(*t));
    std::erase_if(some, [&](const task& t) { return !is_open(t, r); });
    return some;
}

} // namespace

awaitable<result<std::vector<interrupted_run>>> interrupted_runs(std::shared_ptr<project> in)
{
    if (!in->has_state()) co_return std::vector<interrupted_run>();
    co_return co_await in->stored([&](store& s) {
        std::vector<interrupted_run> all;
        for (auto& r : s.runs_not_done()) {
            if (!is_gone_on_with(r.program) || run::is_alive(*in, r.id)) continue;
            if (auto open = open_tasks(s, r); !open.empty()) all.push_back({std::move(r), std::move(open)});
        }
        return all;
    });
}

awaitable<result<run_record>> run_named(std::shared_ptr<project> in, std::string handle)
{
    if (!in->has_state()) co_return no_such_run(handle);
    auto runs = co_await in->stored([](store& s) { return s.runs(); });
    if (!runs) co_return runs.error();
    if (handle.empty()) {
        auto open = co_await interrupted_runs(in);
        if (!open) co_return open.error();
        if (!open->empty()) co_return std::move(open->back().record);
        // One that is carried out just now: that it is says more than that there is none.
        for (auto& r : *runs)
            if (is_gone_on_with(r.program) && run::is_alive(*in, r.id)) co_return std::move(r);
        co_return no_such_run(handle);
    }
    std::vector<run_record> found;
    for (auto& r : *runs) {
        if (r.id == handle) co_return std::move(r);
        if (r.id.starts_with(handle) || r.id.starts_with("run-" + handle)) found.push_back(std::move(r));
    }
    if (found.empty()) co_return no_such_run(handle);
    if (found.size() > 1)
        co_return fault(errc::invalid, "'" + handle + "' is the beginning of several runs' ids")
            .advise("Give more of the id.");
    co_return std::move(found.front());
}

namespace {

/// Its tasks are taken from it, so that nobody else does the same.
awaitable<result<run_report>> resume_by_asking(std::shared_ptr<project> in, run_record record,
                                               observer& watcher, stop_button& button)
{
    const auto interrupted = co_await interrupted_runs(in);
    if (!interrupted) co_return interrupted.error();
    auto mine = co_await run::hold(*in, record.id); // until the new run has taken its place
    if (!mine) co_return mine.error();
    if (!*mine) co_return is_carried_out(record);
    const auto now = co_await in->stored([&](store& s) { return s.find_run(record.id); });
    if (!now) co_return now.error();
    const auto same = [&](const interrupted_run& one) { return one.record.id == record.id; };
    const auto found = std::ranges::find_if(*interrupted, same);
    if (found == interrupted->end() || now->outcome == "done") co_return has_ended(*now);
    co_return co_await ask_again(std::move(in), found->record, found->open, std::move(**mine), watcher,
                                 button);
}

} // namespace

awaitable<result<run_report>> resume_run(std::shared_ptr<project> in, std::string id, observer& watcher,
                                         stop_button& button)
{
    auto record = co_await run_named(in, std::move(id));
    if (!record) co_return record.error();
    if (!is_gone_on_with(record->program) || record->tasks.empty())
        co_return fault(errc::refused, "a run of '" + record->program + "' is not gone on with")
            .with("run", record->id)
            .advise("Ask for it again.");
    const auto open = co_await in->stored([&](store& s) { return open_tasks(s, *record); });
    if (!open) co_return open.error();
    if (!run::is_alive(*in, record->id))
        if (auto ours = check_ours_to_resume(*record, *open); !ours) co_return ours.error();
    if (auto configured = in->configure(record->configuration); !configured)
        co_return fault(configured.error()).with("run", record->id);
    // A host need not have done so; nor what follows: after a restart of the machine nothing comes before it.
    if (auto ended = co_await end_what_the_dead_left(*in); !ended) co_return ended.error();
    const auto found = co_await recover_after_boot(in);
    if (!found) co_return found.error();
    for (const auto& sentence : *found)
        watcher.note(sentence);
    // A host need not have called `reconcile`: what has landed must not be landed again.
    if (auto recovered = co_await recover_landings(in); !recovered) co_return recovered.error();
    if (!is_replayed(record->program))
        co_return co_await resume_by_asking(std::move(in), std::move(*record), watcher, button);
    run_options options;
    options.program = record->program;
    options.target = record->target;
    options.max = number_at(record->arguments, "max");
    options.fail_fast = is_true_at(record->arguments, "fail_fast");
    options.speculation = number_at(record->arguments, "speculation");
    options.resume = record->id;
    co_return co_await carry_out(std::move(in), record->tasks, std::move(options), watcher, button, {});
}

} // namespace graftline::effects
