#include "graftline/runtime/process/process_tree.hpp"

#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/process/control_group.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <sstream>

namespace graftline {
namespace {

namespace fs = std::filesystem;

std::optional<std::string> contents(const std::string& path)
{
    descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    if (!file || !read_all(file.get(), text, std::size_t{64} << 20)) return std::nullopt;
    return text;
}

std::optional<pid_t> number(std::string_view text)
{
    pid_t value = 0;
    const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (bad != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::vector<pid_t> numbers_in(const std::string& folder)
{
    std::vector<pid_t> all;
    std::error_code failure;
    for (fs::directory_iterator at(folder, failure), end; !failure && at != end; at.increment(failure)) {
        if (const auto pid = number(at->path().filename().native())) all.push_back(*pid);
    }
    return all;
}

// False where the kernel does not tell (no CONFIG_PROC_CHILDREN).
bool add_children(pid_t of, std::vector<pid_t>& to)
{
    const auto tasks = "/proc/" + std::to_string(of) + "/task";
    bool told = false;
    for (const pid_t thread : numbers_in(tasks)) {
        const auto text = contents(tasks + "/" + std::to_string(thread) + "/children");
        if (!text) continue;
        told = true;
        std::string_view rest = *text;
        while (!rest.empty()) {
            const auto space = rest.find(' ');
            if (const auto pid = number(rest.substr(0, space))) to.push_back(*pid);
            rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
        }
    }
    return told;
}

std::vector<pid_t> descendants_by_parent(pid_t of)
{
    std::multimap<pid_t, pid_t> children;
    for (const pid_t pid : numbers_in("/proc")) {
        if (const auto facts = facts_of(pid)) children.emplace(facts->parent, pid);
    }
    std::vector<pid_t> all{of};
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto [from, to] = children.equal_range(all[i]);
        for (auto at = from; at != to; ++at)
            all.push_back(at->second);
    }
    all.erase(all.begin());
    return all;
}

/// Is the working directory `link` leads to in `folder`? Nullopt where it does not show.
std::optional<bool> works_in(const fs::path& link, const fs::path& folder)
{
    std::error_code unknown;
    const auto where = fs::read_symlink(link, unknown);
    if (unknown == std::errc::permission_denied) return std::nullopt;
    if (unknown) return false; // it has ended
    // In another mount namespace the same folder has another name.
    const auto below = where.lexically_relative(folder);
    return (!below.empty() && *below.begin() != "..") || fs::equivalent(link, folder, unknown);
}

/// Whom a process writes files as; nullopt where it does not show.
std::optional<uid_t> writes_as(const std::string& process)
{
    std::istringstream status(contents(process + "/status").value_or(""));
    for (std::string line; std::getline(status, line);) {
        if (!line.starts_with("Uid:")) continue;
        std::istringstream ids(line.substr(4)); // real, effective, saved, of the file system
        uid_t id = 0;
        for (int field = 0; field < 4; ++field)
            ids >> id;
        return ids ? std::optional(id) : std::nullopt;
    }
    return std::nullopt;
}

bool may_write_as(const std::string& process, const std::optional<std::set<uid_t>>& users)
{
    if (!users) return true;
    const auto user = writes_as(process);
    return !user || users->contains(*user) ||
           contents(process + "/uid_map") != contents("/proc/self/uid_map");
}

} // namespace

std::optional<process_facts> facts_of(pid_t pid)
{
    const auto text = contents("/proc/" + std::to_string(pid) + "/stat");
    if (!text) return std::nullopt;
    const auto name_end = text->rfind(')'); // the name may hold anything, also parentheses
    if (name_end == std::string::npos) return std::nullopt;
    std::vector<std::string_view> fields;
    std::string_view rest = std::string_view(*text).substr(std::min(name_end + 2, text->size()));
    while (!rest.empty()) {
        const auto space = rest.find(' ');
        fields.push_back(rest.substr(0, space));
        rest.remove_prefix(space == std::string_view::npos ? rest.size() : space + 1);
    }
    if (fields.size() < 20) return std::nullopt;
    process_facts facts;
    facts.state = fields[0].front();
    facts.parent = number(fields[1]).value_or(0);
    facts.group = number(fields[2]).value_or(0);
    facts.session = number(fields[3]).value_or(0);
    std::from_chars(fields[19].data(), fields[19].data() + fields[19].size(), facts.start_time);
    return facts;
}

std::string boot_id()
{
    if (const char* said = std::getenv("GRAFTLINE_TEST_BOOT_ID")) return said;
    auto text = contents("/proc/sys/kernel/random/boot_id").value_or("");
    while (text.ends_with('\n'))
        text.pop_back();
    return text;
}

std::chrono::system_clock::time_point boot_time()
{
    timespec up{};
    ::clock_gettime(CLOCK_BOOTTIME, &up);
    const auto for_now = std::chrono::seconds(up.tv_sec) + std::chrono::nanoseconds(up.tv_nsec);
    return std::chrono::system_clock::now() -
           std::chrono::duration_cast<std::chrono::system_clock::duration>(for_now);
}

std::string pid_namespace()
{
    std::error_code unknown;
    return fs::read_symlink("/proc/self/ns/pid", unknown).native();
}

std::string time_namespace()
{
    std::error_code unknown; // kernels before 5.6 have none
    return fs::read_symlink("/proc/self/ns/time", unknown).native();
}

int open_process(pid_t pid) noexcept
{
    return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}

bool send_signal(int pidfd, int signo) noexcept
{
    return ::syscall(SYS_pidfd_send_signal, pidfd, signo, nullptr, 0) == 0;
}

std::vector<pid_t> descendants_of(pid_t process)
{
    std::vector<pid_t> all;
    if (!add_children(process, all)) return descendants_by_parent(process);
    for (std::size_t i = 0; i < all.size(); ++i)
        add_children(all[i], all);
    return all;
}

std::vector<pid_t> descendants()
{
    return descendants_of(::getpid());
}

descriptor open_descendant(pid_t pid, pid_t process)
{
    descriptor one(open_process(pid));
    // Its parent may have reaped it and its number may be another's by now: look once more, with the pidfd
    // held.
    const auto facts = one ? facts_of(pid) : std::nullopt;
    if (!facts || facts->state == 'Z') return {};
    bool is_one = facts->parent == process;
    for (auto at = facts; !is_one && at && at->parent > 1;) {
        at = facts_of(at->parent);
        is_one = at && at->parent == process;
    }
    return is_one ? std::move(one) : descriptor();
}

std::size_t signal_descendants(int signo)
{
    std::size_t reached = 0;
    for (const pid_t pid : descendants())
        if (const auto one = open_descendant(pid, ::getpid()); one && send_signal(one.get(), signo))
            ++reached;
    return reached;
}

std::optional<std::string> started_with(pid_t process, const std::string& name)
{
    const auto environment = contents("/proc/" + std::to_string(process) + "/environ");
    if (!environment) return std::nullopt;
    const auto start = name + "=";
    for (auto at = environment->find(start); at != std::string::npos; at = environment->find(start, at + 1))
        if (at == 0 || (*environment)[at - 1] == '\0') return environment->c_str() + at + start.size();
    return std::nullopt;
}

std::vector<pid_t> all_processes()
{
    return numbers_in("/proc");
}

bool runs_in(const std::vector<fs::path>& folders, const sought_programs& what)
{
    for (const pid_t pid : numbers_in("/proc")) {
        const auto process = "/proc/" + std::to_string(pid);
        auto name = contents(process + "/comm").value_or("");
        if (name.ends_with('\n')) name.pop_back();
        if (!what.is_named(name)) continue;
        const auto facts = facts_of(pid);
        if (!facts || facts->state == 'Z') continue;
        for (const auto& folder : folders) {
            const auto below = works_in(process + "/cwd", folder);
            if (below ? *below : may_write_as(process, what.hidden_of)) return true;
        }
    }
    return false;
}

bool still_runs(pid_t pid, std::uint64_t start_time)
{
    const auto is_there = [pid] { return ::kill(pid, 0) == 0 || errno != ESRCH; };
    const auto facts = facts_of(pid);
    if (!facts) return is_there();
    return facts->state != 'Z' && facts->state != 'X' && facts->start_time == start_time;
}

bool is_alive(const process_identity& identity)
{
    if (identity.pid <= 0 || identity.boot_id != boot_id() || identity.pid_namespace != pid_namespace())
        return false;
    return still_runs(identity.pid, identity.start_time);
}

/// Result: how many there were. What is being born while we look is found by looking again.
static std::size_t kill_all(const std::function<bool(pid_t)>& is_meant)
{
    std::size_t all = 0;
    for (int round = 0, found = 1; found > 0 && round < 20; ++round) {
        found = 0;
        for (const pid_t pid : numbers_in("/proc")) {
            descriptor process(pid == ::getpid() ? -1 : open_process(pid));
            if (process && is_meant(pid) && send_signal(process.get(), SIGKILL)) ++found;
        }
        all += static_cast<std::size_t>(found);
    }
    return all;
}

void end_leftovers(const process_identity& gone)
{
    if (gone.boot_id != boot_id() || gone.pid_namespace != pid_namespace() || is_alive(gone)) return;
    if (!gone.cgroup.empty()) control_group::end(gone.cgroup);
    if (gone.token.empty()) return;
    kill_all([&](pid_t pid) { return started_with(pid, attempt_token_variable) == gone.token; });
}

std::size_t end_attempts_with(const std::string& name, const std::string& value)
{
    return kill_all([&](pid_t pid) {
        return started_with(pid, attempt_token_variable) && started_with(pid, name) == value;
    });
}

} // namespace graftline
