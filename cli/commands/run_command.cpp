#include "graftline/cli/commands/commands.hpp"
#include "graftline/cli/commands/run_frame.hpp"
#include "graftline/cli/render/task_words.hpp"
#include "graftline/cli/session/wanted_tasks.hpp"
#include "graftline/cli/terminal/failure.hpp"
#include "graftline/cli/terminal/shown_text.hpp"
#include "graftline/git/naming/naming.hpp"

namespace graftline::cli {
namespace {

/// How many at once: what was said, the plan, the settings, the profile; 0 leaves it to the machine. A
/// profile's cap brings larger numbers down.
result<std::size_t> read_max(session& s, const run_arguments& asked, const wanted_tasks& wanted,
                             const agents::settings& settings)
{
    const auto name = asked.how.profile.empty() ? settings.run.profile.value_or("") : asked.how.profile;
    std::size_t max = asked.max > 0 ? asked.max : wanted.max.value_or(settings.run.max.value_or(0));
    if (name.empty()) return max;
    const auto profile = git::find_profile(name);
    if (!profile) return profile.error();
    if (max == 0 && profile->max_parallel != git::profile().max_parallel)
        max = static_cast<std::size_t>(profile->max_parallel);
    if (profile->parallel_cap && max > static_cast<std::size_t>(*profile->parallel_cap)) {
        max = static_cast<std::size_t>(*profile->parallel_cap);
        s.err().write("graftline: profile " + name + " carries out at most " + std::to_string(max) +
                      " at once\n");
    }
    return max;
}

boost::json::object as_json(const std::vector<effects::task>& tasks)
{
    boost::json::array all;
    for (const auto& t : tasks) {
        auto one = effects::to_public_json(t);
        one["after"] = boost::json::value_from(t.spec.after);
        all.push_back(std::move(one));
    }
    return {{"dry_run", true}, {"tasks", std::move(all)}};
}

std::string as_text(const std::vector<effects::task>& tasks, std::size_t max)
{
    std::string text =
        "Would carry out " + std::to_string(tasks.size()) + (tasks.size() == 1 ? " task" : " tasks");
    text += max > 0 ? ", at most " + std::to_string(max) + " at once:\n" : ":\n";
    for (const auto& t : tasks) {
        text += "  " + t.id + "  " + shown_title(t, 100) + "\n";
        std::string how = "agent " + (t.spec.agent.empty() ? quoted(t.spec.command) : t.spec.agent);
        if (t.spec.land)
            how += ", landed on " + target_of(t) + " (" + std::string(to_string(*t.spec.land)) + ")";
        for (const auto& before : t.spec.after)
            how += ", after " + before;
        text += "  " + std::string(t.id.size(), ' ') + "  " + harmless_line(how) + "\n";
    }
    return text;
}

} // namespace

awaitable<int> carry_out(session& s, run_arguments asked)
{
    auto in = co_await s.open_to_change();
    auto wanted = read_tasks(asked.tasks, asked.from, in->settings()).value();
    auto defaults = read_defaults(asked.how, wanted, in->settings()).value();
    const auto max = read_max(s, asked, wanted, in->settings()).value();
    if (defaults.on_overlap == "ask") defaults.on_overlap = ask_about_overlaps(wanted.tasks, s).value();
    auto tasks = (co_await effects::make_tasks(in, std::move(wanted.tasks), std::move(defaults))).value();

    if (asked.dry_run) {
        if (asked.json)
            s.print_json(as_json(tasks));
        else
            s.print(as_text(tasks, max));
        co_return exit_status::done;
    }
    co_await tell_of_interrupted_runs(s, in);
    effects::run_options options;
    options.max = max;
    options.speculation = asked.speculate;
    options.fail_fast = asked.fail_fast || in->settings().run.fail_fast.value_or(false);
    options.target = tasks.front().spec.target;
    options.arguments["tasks"] = tasks.size();
    if (!asked.from.empty()) options.arguments["from"] = asked.from;
    co_return co_await carry_out_visibly(s, in, tasks, asked.json,
                                         [&](effects::observer& watcher, effects::stop_button& button) {
                                             return effects::run_tasks(in, tasks, options, watcher, button);
                                         });
}

} // namespace graftline::cli
