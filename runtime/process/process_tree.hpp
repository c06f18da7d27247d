/// Other processes, as /proc shows them: who they are, who came from whom.
#pragma once

#include "graftline/runtime/base/descriptor.hpp"
#include "graftline/runtime/process/process_identity.hpp"

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace graftline {

struct process_facts {
    pid_t parent = 0;
    char state = '?'; ///< as ps shows it; Z is a zombie
    pid_t group = 0;
    pid_t session = 0;
    std::uint64_t start_time = 0;
};

/// None when there is no such process, or it cannot be read about (no descriptor is left).
std::optional<process_facts> facts_of(pid_t pid);

/// Does the process run that had this number, and began then? True where that cannot be read: what is not
/// known to have ended is left alone.
bool still_runs(pid_t pid, std::uint64_t start_time);

/// This boot of this machine, and the numbering that our pids belong to. A boot cannot be ended by a test: it
/// sets GRAFTLINE_TEST_BOOT_ID.
std::string boot_id();
/// When it began, by the clock of the wall.
std::chrono::system_clock::time_point boot_time();
std::string pid_namespace();
/// Which clock our start times are told by: in another namespace of time all began at other times.
std::string time_namespace();

/// A pidfd, or -1 with errno.
int open_process(pid_t pid) noexcept;
/// False with errno.
bool send_signal(int pidfd, int signo) noexcept;

/// All that came from this process and still runs, also what left its session, as long as this process is a
/// subreaper.
std::vector<pid_t> descendants();

/// The same of a process that need not be a subreaper: what it has lost to another parent does not show.
std::vector<pid_t> descendants_of(pid_t process);

/// Sends `signo` to each of our descendants that is still one; how many were reached.
std::size_t signal_descendants(int signo);

/// A descriptor for `pid`, as long as it is a descendant of `process`; none when it is not, or has ended.
descriptor open_descendant(pid_t pid, pid_t process);

/// Which programs are looked for, and whose, where one does not show where it works.
struct sought_programs {
    bool (*is_named)(std::string_view name); ///< by what the kernel calls it: its first 15 bytes
    /// As whom it writes files. Nullopt: anybody.
    std::optional<std::set<uid_t>> hidden_of;
};

/// The value of `name` in the environment that a process was started with; none when it has none or does not
/// show it.
std::optional<std::string> started_with(pid_t process, const std::string& name);

/// All processes that show in /proc.
std::vector<pid_t> all_processes();

/// Does one of these programs run with its working directory in one of `folders`? One that does not show
/// where it works, as another user's, counts when it writes files as one of `hidden_of`; so does one in
/// another user namespace, whose files may be stored under any user.
bool runs_in(const std::vector<std::filesystem::path>& folders, const sought_programs& what);

/// Ends what a supervisor that is gone left running: its control group, and every process of ours whose
/// environment carries its token. Another boot's or another pid namespace's processes are left alone.
void end_leftovers(const process_identity& gone);

/// The same for every attempt whose agent was started with `name` set to `value`, also when its supervisor
/// lives: for attempts of which nothing is known any more. Result: how many processes were ended.
std::size_t end_attempts_with(const std::string& name, const std::string& value);

} // namespace graftline
