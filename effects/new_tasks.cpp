#include "graftline/effects/new_tasks.hpp"

#include "graftline/agents/agent/agent.hpp"
#include "graftline/agents/config/plan.hpp"
#include "graftline/effects/checkout/task_names.hpp"
#include "graftline/effects/overlap_order.hpp"
#include "graftline/effects/run/run.hpp"
#include "graftline/effects/store/agent_files.hpp"
#include "graftline/effects/tasks/fresh_id.hpp"
#include "graftline/git/naming/naming.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/runtime/async/stoppable_job.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <set>

namespace graftline::effects {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& file)
{
    std::error_code ignored;
    return fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0;
}

/// The program as it can be started from a worktree: a path relative to where the user stands becomes
/// absolute.
result<std::string> find_program(const std::string& named)
{
    if (named.find('{') != std::string::npos) return named; // known only when the task is
    if (named.find('/') != std::string::npos) {
        if (is_program(fs::absolute(named))) return fs::absolute(named).lexically_normal().string();
        return fault(errc::unusable, "the agent's program is not there, or may not be executed")
            .with("program", named);
    }
    std::string_view path = std::getenv("PATH") ? std::getenv("PATH") : "/usr/bin:/bin";
    while (!path.empty()) {
        const auto end = std::min(path.find(':'), path.size());
        if (is_program(fs::path(path.substr(0, end)) / named)) return named;
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return fault(errc::unusable, "the agent's program was not found")
        .with("program", named)
        .advise("Is it installed, and in PATH?");
}

/// A folder that worktrees can be made in must be writable, or its nearest parent that exists.
result<void> check_writable(fs::path folder)
{
    std::error_code ignored;
    while (!fs::exists(folder, ignored) && folder.has_relative_path())
        folder = folder.parent_path();
    if (!fs::is_directory(folder, ignored))
        return fault(errc::unusable, "worktrees cannot be made here: this is not a folder")
            .with("path", folder.string());
    if (::access(folder.c_str(), W_OK | X_OK) != 0)
        return fault(errc::unusable, "worktrees cannot be made here: the folder is not writable")
            .with("folder", folder.string())
            .advise("Choose another place: worktree.path in graftline.toml.");
    return {};
}

/// What holds for all tasks, looked up once.
struct shared_facts {
    git::profile profile;
    std::string target;
    std::string base;
};

class maker {
public:
    maker(project& in, const task_defaults& defaults, shared_facts facts)
        : in_(in), defaults_(defaults), facts_(std::move(facts))
    {
    }

    /// Ids that no task has. `known`: null when there is none.
    std::vector<std::string> fresh_ids(std::size_t count, store* known) const
    {
        std::set<std::string> ids;
        std::vector<std::string> in_order;
        while (ids.size() < count) {
            auto id = fresh_id(facts_.profile.id_prefix.value_or(""), facts_.profile.id_prefix ? 8 : 6);
            if (known && known->has(id)) continue;
            if (ids.insert(id).second) in_order.push_back(std::move(id));
        }
        return in_order;
    }

    result<task> make(const wanted_task& wanted, std::string id)
    {
        task t;
        t.id = std::move(id);
        t.created_at = now_text();
        auto& spec = t.spec;
        spec.description = wanted.description;
        spec.prompt = wanted.description;
        spec.agent = wanted.agent.empty() ? defaults_.agent : wanted.agent;
        spec.plan = defaults_.plan_file;
        if (wanted.planned) take_plan(*wanted.planned, t);
        if (t.key.empty()) t.key = git::ticket(spec.description).value_or("");
        if (!t.key.empty() && !spec.metadata.contains("ticket") && git::ticket(t.key))
            spec.metadata["ticket"] = t.key;
        name(spec);
        take_defaults(spec);
        if (auto found = choose_agent(spec); !found) return fault(found.error()).with("task", title(t));
        return t;
    }

private:
    static void take_plan(const agents::planned_task& planned, task& t)
    {
        auto& spec = t.spec;
        t.key = planned.id;
        if (!planned.prompt.empty()) spec.prompt = planned.prompt;
        spec.after = planned.after; // keys for now
        spec.files = planned.files;
        spec.priority = planned.priority;
        if (planned.timeout) spec.timeout_ms = planned.timeout->count();
        spec.env = planned.env;
        spec.metadata = planned.metadata;
        for (const auto& s : planned.stages)
            spec.stages.push_back({s.name, s.agent, s.prompt, s.decides});
    }

    void name(task_spec& spec) const
    {
        const auto& profile = facts_.profile;
        const auto& configured = in_.settings().worktree;
        const bool own_profile =
            !defaults_.profile.empty(); // a profile asked for by name wins over the settings
        spec.slug = profile.plain_slugs ? git::plain_slug(spec.description, profile.slug_limit)
                                        : git::slug(spec.description, profile.slug_limit);
        spec.branch_template = !own_profile && configured.branch ? *configured.branch : profile.branch;
        spec.worktree_template = !own_profile && configured.path ? *configured.path : profile.worktree;
    }

    void take_defaults(task_spec& spec) const
    {
        spec.base = facts_.base;
        spec.target = facts_.target;
        spec.into = defaults_.into;
        spec.land = defaults_.land;
        spec.on_conflict = defaults_.on_conflict;
        spec.gates = defaults_.gates;
        spec.by_hand = defaults_.by_hand;
        spec.keep_worktree = defaults_.keep_worktrees;
        if (!spec.timeout_ms && defaults_.timeout) spec.timeout_ms = defaults_.timeout->count();
        if (defaults_.attempt_timeout) spec.attempt_timeout_ms = defaults_.attempt_timeout->count();
        if (defaults_.idle_timeout) spec.idle_timeout_ms = defaults_.idle_timeout->count();
        if (defaults_.grace) spec.grace_ms = defaults_.grace->count();
    }

    result<void> choose_agent(task_spec& spec)
    {
        for (const auto& s : spec.stages)
            if (!s.agent.empty())
                if (auto known = check_agent(s.agent); !known) return known.error();
        if (!spec.agent.empty()) return check_agent(spec.agent);
        if (!defaults_.command.empty()) {
            spec.command = defaults_.command;
            auto program = find_program(spec.command.front());
            if (!program) return program.error();
            spec.command.front() = *program;
            return {};
        }
        if (defaults_.by_hand) return {};
        const auto names_one = [](const stage& s) { return !s.agent.empty(); };
        if (!spec.stages.empty() && std::ranges::all_of(spec.stages, names_one)) return {};
        return fault(errc::invalid, "there is no agent to carry the task out")
            .advise("Name one with --agent NAME, or give a command after --: graftline run TASK -- my-agent "
                    "{prompt}");
    }

    result<void> check_agent(const std::string& named)
    {
        const auto agent = agents::find_agent(named, in_.settings().agents);
        if (!agent) return agent.error();
        if (defaults_.by_hand) return {};
        auto program = find_program(agent->command.front());
        if (!program) return fault(program.error()).with("agent", named);
        return {};
    }

    project& in_;
    const task_defaults& defaults_;
    shared_facts facts_;
};

/// Turns the plan's keys in `after` into ids.
result<void> link_prerequisites(std::vector<task>& tasks)
{
    std::map<std::string, std::string> id_of;
    for (const auto& t : tasks)
        if (!t.key.empty()) id_of.emplace(t.key, t.id);
    for (auto& t : tasks)
        for (auto& before : t.spec.after) {
            const auto found = id_of.find(before);
            if (found == id_of.end())
                return fault(errc::invalid, "a task comes after '" + before + "', which is not in the plan")
                    .with("task", t.key);
            before = found->second;
        }
    return {};
}

awaitable<result<shared_facts>> look_up(project& in, const task_defaults& defaults)
{
    auto& repo = in.repository();
    const auto& settings = in.settings();
    const auto name = !defaults.profile.empty() ? defaults.profile : settings.run.profile.value_or("default");
    auto profile = git::find_profile(name);
    if (!profile) co_return profile.error();
    shared_facts facts{std::move(*profile), {}, {}};

    if (defaults.target)
        facts.target = *defaults.target;
    else if (settings.run.target)
        facts.target = *settings.run.target;
    else if (auto head = co_await git::head_branch(repo); !head)
        co_return head.error();
    else
        facts.target = head->value_or("");
    // Named in full, as git prints it.
    constexpr std::string_view full = "refs/heads/";
    if (facts.target.starts_with(full)) facts.target.erase(0, full.size());
    if (defaults.land || defaults.target) {
        if (facts.target.empty())
            co_return fault(errc::invalid, "there is no branch to land on: HEAD is detached")
                .advise("Name one: --target BRANCH");
        const auto target = co_await git::read_ref(repo, "refs/heads/" + facts.target);
        if (!target) co_return target.error();
        if (!*target) {
            const bool is_empty = !co_await git::resolve(repo, "HEAD");
            co_return fault(errc::invalid, "the target is not a branch here: '" + facts.target + "'")
                .advise(is_empty ? "The repository has no commit yet. Make one first: git commit "
                                   "--allow-empty -m begin"
                                 : "Make it first: git branch " + facts.target);
        }
    }
    facts.base = defaults.base.value_or(settings.run.base.value_or(""));
    if (facts.base.empty() && facts.profile.base) {
        // A profile's base is a convention, not a promise that every repository has it.
        if (co_await git::resolve(repo, *facts.profile.base)) facts.base = *facts.profile.base;
    }
    const auto start = !facts.base.empty()     ? facts.base
                       : !facts.target.empty() ? "refs/heads/" + facts.target
                                               : "HEAD";
    if (auto base = co_await git::resolve(repo, start); !base) {
        const fault why = base.error(); // a copy: the result gives its error by value
        fault f(why.is(errc::not_found) ? errc::invalid : errc::unusable, why.what());
        for (const auto& [key, value] : why.context())
            f.with(key, value);
        co_return f.advise(why.advice());
    }
    co_return facts;
}

} // namespace

awaitable<result<std::vector<task>>> make_tasks(std::shared_ptr<project> in, std::vector<wanted_task> wanted,
                                                task_defaults defaults)
{
    auto facts = co_await look_up(*in, defaults);
    if (!facts) co_return facts.error();
    if (!defaults.by_hand)
        if (auto usable = temporary_place(); !usable) co_return usable.error();
    maker make(*in, defaults, std::move(*facts));
    result<std::vector<std::string>> ids = std::vector<std::string>();
    if (in->has_state())
        ids = co_await in->stored([&](store& s) { return make.fresh_ids(wanted.size(), &s); });
    else
        ids = make.fresh_ids(wanted.size(), nullptr);
    if (!ids) co_return ids.error();
    std::vector<task> tasks;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        auto t = make.make(wanted[i], std::move((*ids)[i]));
        if (!t) co_return t.error();
        auto names = name_task(*in, *t, 0);
        if (!names) co_return fault(names.error()).with("task", title(*t));
        if (auto usable = check_writable(names->worktree.parent_path()); !usable) co_return usable.error();
        tasks.push_back(std::move(*t));
    }
    if (auto linked = link_prerequisites(tasks); !linked) co_return linked.error();
    if (defaults.on_overlap == "serialize") {
        auto serialize = [&](const std::atomic<bool>& stop) { serialize_overlaps(tasks, stop); };
        co_await offload_stoppable(std::move(serialize));
    }
    co_return tasks;
}

} // namespace graftline::effects
