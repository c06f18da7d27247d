#include "graftline/cli/render/checkup.hpp"

#include "graftline/agents/agent/agent.hpp"
#include "graftline/effects/store/agent_files.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/files/resources.hpp"

#include <sys/inotify.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace graftline::cli {
namespace {

namespace fs = std::filesystem;

finding check(bool ok, health otherwise, std::string what, std::string good, std::string bad)
{
    return {ok ? health::fine : otherwise, std::move(what), ok ? std::move(good) : std::move(bad)};
}

bool has_pidfd()
{
    const int process = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
    if (process < 0) return false;
    ::close(process);
    return true;
}

bool has_inotify()
{
    const int events = ::inotify_init1(IN_CLOEXEC);
    if (events < 0) return false;
    ::close(events);
    return true;
}

/// The mount of cgroup v2, alone or beside v1.
fs::path cgroup_mount()
{
    std::ifstream mounts("/proc/self/mounts");
    std::string device, folder, kind, rest;
    while (mounts >> device >> folder >> kind && std::getline(mounts, rest))
        if (kind == "cgroup2") return folder;
    return {};
}

/// Our own group in it.
std::string own_cgroup()
{
    std::ifstream groups("/proc/self/cgroup");
    std::string line;
    while (std::getline(groups, line))
        if (line.starts_with("0::")) return line.substr(4);
    return {};
}

finding check_cgroup()
{
    const auto mount = cgroup_mount();
    if (mount.empty())
        return {health::lacking, "cgroup v2", "not mounted: agents are ended process by process"};
    const auto own = mount / own_cgroup();
    const bool writable =
        ::access(own.c_str(), W_OK) == 0 && ::access((own / "cgroup.procs").c_str(), W_OK) == 0;
    return check(writable, health::lacking, "cgroup v2",
                 "a group for each agent can be made in " + own.string(),
                 "no group can be made in " + own.string() + ": agents are ended process by process");
}

finding check_temporary_place()
{
    const auto place = effects::temporary_place();
    return check(place.has_value(), health::broken, "temporary files", place ? place->string() : "",
                 place ? "" : place.error().message());
}

std::string where_is(const std::string& program)
{
    std::error_code ignored;
    if (program.find('/') != std::string::npos) return ::access(program.c_str(), X_OK) == 0 ? program : "";
    std::string_view path = std::getenv("PATH") ? std::getenv("PATH") : "/usr/bin:/bin";
    while (!path.empty()) {
        const auto end = std::min(path.find(':'), path.size());
        const auto file = fs::path(path.substr(0, end)) / program;
        if (fs::is_regular_file(file, ignored) && ::access(file.c_str(), X_OK) == 0) return file.string();
        path.remove_prefix(std::min(end + 1, path.size()));
    }
    return {};
}

finding check_configuration(const fs::path& file)
{
    std::error_code ignored;
    return {health::fine, "configuration",
            file.string() + (fs::exists(file, ignored) ? ": valid" : ": none")};
}

fs::path user_configuration()
{
    const char* folder = std::getenv("XDG_CONFIG_HOME");
    const char* home = std::getenv("HOME");
    const fs::path base = folder && *folder ? fs::path(folder) : fs::path(home ? home : "/") / ".config";
    return base / "graftline" / "config.toml";
}

std::string gigabytes(double value)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f GB free", value);
    return text;
}

} // namespace

std::vector<finding> check_machine()
{
    return {check(has_pidfd(), health::broken, "pidfd", "here", "not here: Linux 5.3 or newer is needed"),
            check(has_inotify(), health::lacking, "inotify", "here",
                  "none to be had: files are read again by a timer (fs.inotify.max_user_instances)"),
            check_cgroup(), check_temporary_place()};
}

std::vector<finding> check_agents(const agents::settings& settings)
{
    std::vector<finding> found;
    for (const auto& name : agents::agent_names(settings.agents)) {
        const auto agent = agents::find_agent(name, settings.agents);
        if (!agent) continue;
        const auto& program = agent->command.front();
        const auto place = program.find('{') == std::string::npos ? where_is(program) : program;
        const bool configured = settings.agents.contains(name);
        found.push_back(check(!place.empty(), health::lacking, "agent " + name, place,
                              "not installed: " + program + (configured ? " (configured)" : "")));
    }
    return found;
}

awaitable<std::vector<finding>> check_project(std::shared_ptr<effects::project> in)
{
    auto& repo = in->repository();
    std::vector<finding> found;
    found.push_back({health::fine, "git", repo.can().git.text()});
    found.push_back(
        {health::fine, "repository", repo.common_dir().string() + (repo.is_bare() ? " (bare)" : "")});
    const auto worktrees = co_await git::list_worktrees(repo);
    found.push_back(check(worktrees.has_value(), health::broken, "worktrees",
                          worktrees ? std::to_string(worktrees->size()) + ", the main one included" : "",
                          worktrees ? "" : worktrees.error().what()));
    if (const auto& top = repo.main_work_tree())
        found.push_back(check_configuration(*top / "graftline.toml"));
    found.push_back(check_configuration(user_configuration()));

    const bool writable = ::access(repo.common_dir().c_str(), W_OK) == 0;
    found.push_back(check(writable, health::broken, "state", in->state_folder().string(),
                          repo.common_dir().string() + " is not writable"));
    if (in->has_state()) {
        const auto count = co_await in->stored([](effects::store& s) { return s.tasks().size(); });
        found.push_back(check(count.has_value(), health::broken, "state database",
                              count ? std::to_string(*count) + " tasks" : "",
                              count ? "" : count.error().what()));
    }
    cpu_meter cpu;
    const auto reading = co_await read_resources(repo.common_dir(), cpu);
    found.push_back(check(reading.disk_free_gb >= 1, health::lacking, "disk", gigabytes(reading.disk_free_gb),
                          "only " + gigabytes(reading.disk_free_gb) + ": worktrees may not fit"));
    co_return found;
}

} // namespace graftline::cli
