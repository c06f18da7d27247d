#include "graftline/effects/run/other_user.hpp"

#include "graftline/effects/run/run.hpp"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>

namespace graftline::effects {
namespace {

std::string name_of(uid_t user)
{
    std::array<char, 4096> space;
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwuid_r(user, &entry, space.data(), space.size(), &found) == 0 && found) return found->pw_name;
    return "#" + std::to_string(user); // as sudo takes it
}

fault belongs_to(std::string what, const std::string& user, const std::string& command)
{
    return fault(errc::refused, std::move(what) + " '" + user + "'")
        .advise("Nothing was changed. Ask them, or act for them: sudo -u '" + user + "' " + command);
}

} // namespace

std::optional<std::string> other_owner_of(const std::filesystem::path& path)
{
    struct stat info{};
    if (path.empty() || ::geteuid() == 0 || ::lstat(path.c_str(), &info) != 0) return std::nullopt;
    if (info.st_uid == ::geteuid()) return std::nullopt;
    return name_of(info.st_uid);
}

result<void> check_ours_to_end(const project& in, const task& t)
{
    const bool works = t.state == task_state::running || t.state == task_state::completed;
    if (!works || t.owner.empty()) return {};
    auto user = t.state == task_state::running ? other_owner_of(t.attempt) : std::nullopt;
    if (!user && run::is_alive(in, t.owner)) user = other_owner_of(run::lock_file(in, t.owner));
    if (!user) return {};
    return belongs_to("the task is in a run of another user, whose processes only they can end:", *user,
                      "graftline cancel " + t.id)
        .with("task", t.id)
        .with("run", t.owner);
}

result<void> check_ours_to_resume(const run_record& r, const std::vector<task>& tasks)
{
    for (const task& t : tasks) {
        auto user = other_owner_of(t.attempt);
        if (!user) user = other_owner_of(t.worktree);
        if (!user) continue;
        return belongs_to("the run was begun by another user, whose agents' files only they can read:", *user,
                          "graftline resume " + r.id)
            .with("run", r.id)
            .with("task", t.id)
            .with("worktree", t.worktree);
    }
    return {};
}

} // namespace graftline::effects
