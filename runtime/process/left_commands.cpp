#include "graftline/runtime/process/left_commands.hpp"

#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/process/command.hpp"
#include "graftline/runtime/process/process_tree.hpp"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>

namespace graftline {
namespace {

using clock = std::chrono::steady_clock;

constexpr const char* mark = "GRAFTLINE_COMMAND_OF";

/// Processes are known by numbers and times: those of another namespace mean nothing here.
std::string own_namespaces()
{
    return pid_namespace() + "," + time_namespace();
}

/// Whose command it is, and where it was started: "<pid> <start time> <session> <namespaces> <folder>".
struct owner {
    pid_t pid = 0;
    std::uint64_t start_time = 0;
    pid_t session = 0;
    std::string namespaces;
    std::filesystem::path folder;

    std::string text() const
    {
        return std::to_string(pid) + " " + std::to_string(start_time) + " " + std::to_string(session) + " " +
               namespaces + " " + folder.string();
    }
    static std::optional<owner> parse(const std::string& text)
    {
        std::istringstream words(text);
        owner read;
        words >> read.pid >> read.start_time >> read.session >> read.namespaces;
        if (!words) return std::nullopt;
        words.ignore(); // the rest is the folder, whatever is in its name
        read.folder = std::string(std::istreambuf_iterator<char>(words), {});
        return read;
    }
    /// An owner that could not read when it began itself is not known by its number alone.
    bool is_dead() const { return start_time != 0 && !still_runs(pid, start_time); }
};

const owner& ourselves()
{
    thread_local owner known;
    if (known.pid == ::getpid()) return known; // else a host has forked since
    known = {::getpid(), 0, ::getsid(0), own_namespaces(), {}};
    if (const auto facts = facts_of(known.pid)) known.start_time = facts->start_time;
    return known;
}

/// A process that may be a command of ours, or come from one.
struct marked {
    pid_t pid;
    process_facts facts;
    owner whose;
};

std::vector<marked> find_marked()
{
    std::vector<marked> found;
    const auto here = own_namespaces();
    for (const pid_t pid : all_processes()) {
        if (pid == ::getpid()) continue;
        const auto text = started_with(pid, mark);
        const auto whose = text ? owner::parse(*text) : std::nullopt;
        const auto facts = whose && whose->namespaces == here ? facts_of(pid) : std::nullopt;
        if (facts && facts->state != 'Z' && facts->session == whose->session)
            found.push_back({pid, *facts, *whose});
    }
    return found;
}

using chosen = std::function<std::set<pid_t>(const std::vector<marked>&)>;

/// Descriptors of what runs now in one of the groups.
std::vector<descriptor> open_all(const chosen& groups)
{
    std::vector<descriptor> open;
    const auto all = find_marked();
    const auto wanted = groups(all);
    for (const auto& one : all) {
        if (!wanted.contains(one.facts.group)) continue;
        descriptor process(open_process(one.pid));
        const auto now = process ? facts_of(one.pid) : std::nullopt;
        if (now && now->start_time == one.facts.start_time) open.push_back(std::move(process));
    }
    return open;
}

/// True when all have ended by then.
bool ended_by(const std::vector<descriptor>& processes, clock::time_point limit)
{
    for (const auto& one : processes) {
        pollfd end{one.get(), POLLIN, 0};
        for (;;) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - clock::now());
            const int rc = ::poll(&end, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
            if (rc > 0) break;
            if (rc == 0) return false;
        }
    }
    return true;
}

result<std::size_t> end_groups(const chosen& groups, std::chrono::milliseconds grace)
{
    auto open = open_all(groups);
    if (open.empty()) return std::size_t{0};
    std::size_t count = open.size();
    for (const auto& one : open)
        send_signal(one.get(), SIGTERM);
    const auto patience = clock::now() + grace;
    ended_by(open, patience);
    // What ignored that, and what was being born meanwhile, which is found by looking again.
    for (int round = 0; round < 20; ++round) {
        open = open_all(groups);
        if (open.empty()) return count;
        for (const auto& one : open)
            send_signal(one.get(), SIGKILL);
        ended_by(open, clock::now() + std::chrono::seconds(2));
    }
    return fault(errc::busy, "commands of a graftline that is gone do not end");
}

} // namespace

std::vector<std::string> marked_environment(const command& what)
{
    owner us = ourselves();
    us.folder = what.folder();
    command marked = what;
    marked.set(mark, us.text());
    return marked.environment();
}

result<std::size_t> end_commands_of_the_dead(std::chrono::milliseconds grace)
{
    const auto of_the_dead = [](const std::vector<marked>& all) {
        std::set<pid_t> groups;
        for (const auto& one : all)
            if (one.whose.is_dead()) groups.insert(one.facts.group);
        return groups;
    };
    return end_groups(of_the_dead, grace);
}

bool commands_of_the_dead_run()
{
    return std::ranges::any_of(find_marked(), [](const marked& one) { return one.whose.is_dead(); });
}

result<std::size_t> end_commands_in(const std::filesystem::path& folder, std::chrono::milliseconds grace)
{
    const auto in_folder = [&](const std::vector<marked>& all) {
        std::set<pid_t> groups;
        for (const auto& one : all) {
            const auto below = one.whose.folder.lexically_relative(folder);
            if (!below.empty() && *below.begin() != "..") groups.insert(one.facts.group);
        }
        return groups;
    };
    return end_groups(in_folder, grace);
}

result<std::size_t> end_commands_for(const std::function<bool(const std::string&)>& is_meant,
                                     std::chrono::milliseconds grace)
{
    const auto for_that = [&](const std::vector<marked>& all) {
        std::set<pid_t> groups;
        for (const auto& one : all)
            if (const auto purpose = started_with(one.pid, purpose_name); purpose && is_meant(*purpose))
                groups.insert(one.facts.group);
        return groups;
    };
    return end_groups(for_that, grace);
}

} // namespace graftline
