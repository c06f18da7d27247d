#include "tests/power/power_lab.hpp"

#include "graftline/runtime/base/descriptor.hpp"

#include "tests/power/logged_disk.hpp"
#include "tests/support/hang_guard.hpp"
#include "tests/support/processes.hpp"
#include "tests/support/test_repository.hpp"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <sstream>
#include <stdexcept>

namespace graftline::test {
namespace {

namespace fs = std::filesystem;

constexpr auto boot_id_file = "/proc/sys/kernel/random/boot_id";

constexpr std::string_view agent_text = R"agent(#!/bin/sh
# The description is "<how> <number>".
set -- $GRAFTLINE_TASK
sleep "$(cat "$(dirname "$0")/length")"
number=$(cat /proc/sys/kernel/random/uuid)
make() { mkdir -p "$(dirname "$1")" && echo "$1 $number" >"$1"; }
keep() { git add -A && git commit -q -m "work of $GRAFTLINE_TASK" >/dev/null; }
make "$1-$2/first.txt"
[ "$1" = leaves ] || keep || exit 9
make "$1-$2/second.txt"
make "base-$2.txt"
case $1 in
commits) keep || exit 9 ;;
fails) exit 7 ;;
esac
)agent";

files lines_by_path(const std::string& found, std::string_view before)
{
    files all;
    std::istringstream in(found);
    for (std::string line; std::getline(in, line);) {
        line.erase(0, before.size());
        const auto colon = line.find(':');
        if (colon == std::string::npos) continue; // "Binary file … matches"
        auto& content = all[line.substr(0, colon)];
        content += (content.empty() ? "" : "\n") + line.substr(colon + 1);
    }
    return all;
}

} // namespace

std::vector<std::string> paths_of(const std::string& description)
{
    const auto space = description.find(' ');
    const auto number = description.substr(space + 1);
    const auto folder = description.substr(0, space) + "-" + number;
    return {folder + "/first.txt", folder + "/second.txt", "base-" + number + ".txt"};
}

power_lab::power_lab()
{
    isolate_git();
    if (!mount_for_ourselves()) throw std::runtime_error("no mounts of our own");
    auto name = (fs::temp_directory_path() / "graftline-power-XXXXXX").string();
    // In memory, and like all mounts gone when this process is, however it ends.
    if (!::mkdtemp(name.data()) || ::mount("tmpfs", name.c_str(), "tmpfs", 0, "size=4g") != 0)
        throw std::runtime_error("no folder in memory: " + name);
    folder_ = name;
    write_file(agent(), agent_text);
    fs::permissions(agent(), fs::perms::owner_all);
    write_file(folder_ / "boot_id", contents_of(boot_id_file));
    if (::mount((folder_ / "boot_id").c_str(), boot_id_file, nullptr, MS_BIND, nullptr) != 0)
        throw std::runtime_error("no boot of our own");
}

power_lab::~power_lab()
{
    ::umount2(boot_id_file, MNT_DETACH);
    ::umount2(folder_.c_str(), MNT_DETACH);
    std::error_code ignored;
    fs::remove(folder_, ignored);
}

files power_lab::make_repository(const std::string& durability) const
{
    fs::create_directories(top());
    must_git({"init", "-q", "-b", "main"});
    for (int i = 1; i <= 40; ++i) {
        const auto name = "base-" + std::to_string(i) + ".txt";
        write_file(top() / name, name + " as it was\n");
    }
    if (!durability.empty())
        write_file(top() / "graftline.toml", "[run]\ndurability = \"" + durability + "\"\n");
    must_git({"add", "-A"});
    must_git({"commit", "-q", "-m", "begin"});
    must_git({"branch", "trunk"});
    const descriptor any(::open(top().c_str(), O_RDONLY | O_CLOEXEC));
    if (!any || ::syncfs(any.get()) != 0) throw std::runtime_error("the disk cannot be flushed");
    return files_of("main");
}

void power_lab::let_agents_take(const std::string& length) const
{
    write_file(folder_ / "length", length);
}

machine_boot power_lab::boot() const
{
    timespec since_boot{};
    ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
    machine_boot another{contents_of("/proc/sys/kernel/random/uuid"), since_boot.tv_sec};
    go_on_in(another);
    return another;
}

void power_lab::go_on_in(const machine_boot& which) const
{
    write_file(folder_ / "boot_id", which.id);
    // The clock of the children. Where the kernel has no such clocks, only the id is another.
    if (::unshare(CLONE_NEWTIME) != 0) return;
    write_file("/proc/self/timens_offsets", "boottime -" + std::to_string(which.began) + " 0\n");
}

command power_lab::prepared(std::vector<std::string> words) const
{
    command c(std::move(words.front()));
    for (std::size_t i = 1; i < words.size(); ++i)
        c.add(std::move(words[i]));
    c.in(top());
    return c;
}

command_output power_lab::graftline(std::vector<std::string> words) const
{
    words.insert(words.begin(), GRAFTLINE_PROGRAM);
    return run_here(run(prepared(std::move(words)))).value();
}

std::optional<std::string> power_lab::git(std::vector<std::string> words) const
{
    auto answer = try_git(top(), std::move(words));
    return answer.ok ? std::optional(std::move(answer.out)) : std::nullopt;
}

std::string power_lab::must_git(std::vector<std::string> words) const
{
    const auto answer = try_git(top(), words);
    if (!answer.ok) throw std::runtime_error("git " + words.front() + ": " + answer.err);
    return answer.out;
}

files power_lab::files_of(const std::string& commit) const
{
    return lines_by_path(git({"grep", "--full-name", "-e", "", commit}).value_or(""), commit + ":");
}

files power_lab::checked_out() const
{
    return lines_by_path(git({"grep", "--full-name", "-e", ""}).value_or(""), "");
}

} // namespace graftline::test
