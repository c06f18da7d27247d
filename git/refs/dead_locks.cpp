#include "graftline/git/refs/dead_locks.hpp"

#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/process/process_tree.hpp"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <set>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto dead_after = 3s;

/// Does a process have it open? Ours to see only where /proc shows the process.
bool is_open_somewhere(const fs::path& file)
{
    std::error_code failed;
    for (const auto& process : fs::directory_iterator("/proc", failed)) {
        if (process.path().filename().string().find_first_not_of("0123456789") != std::string::npos) continue;
        std::error_code gone;
        for (fs::directory_iterator entry(process.path() / "fd", gone), end; !gone && entry != end;
             entry.increment(gone)) {
            std::error_code unreadable;
            if (fs::read_symlink(entry->path(), unreadable) == file) return true;
        }
    }
    return false;
}

/// Is that a program of git's that changes refs or an index? `name` is cut off after 15 bytes. Servers and
/// helpers that run for days, and other programs whose names begin like that, hold no locks.
bool is_a_git(std::string_view name)
{
    if (name == "git") return true;
    if (!name.starts_with("git-")) return false;
    for (const std::string_view other : {"git-daemon", "git-credential", "git-http-backen", "git-shell",
                                         "git-upload-pac", "git-remote-", "git-lfs", "git-gui"})
        if (name.starts_with(other)) return false;
    return true;
}

/// Do files in `folder` belong to the user who made them? Not so over a network, and on file systems that
/// have no users.
bool owner_is_maker(const fs::path& folder)
{
    struct statfs info{};
    if (::statfs(folder.c_str(), &info) != 0) return false;
    constexpr std::array<std::uint32_t, 8> known{
        EXT4_SUPER_MAGIC,      XFS_SUPER_MAGIC,  BTRFS_SUPER_MAGIC,    TMPFS_MAGIC,
        OVERLAYFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, 0x2FC12FC1 /* zfs */, 0xCA451A4E /* bcachefs */};
    return std::ranges::find(known, static_cast<std::uint32_t>(info.f_type)) != known.end();
}

/// Who can have made these locks; nullopt where that cannot be told: anybody.
std::optional<std::set<uid_t>> makers_of(const std::vector<fs::path>& locks)
{
    std::set<uid_t> makers;
    for (const fs::path& lock : locks) {
        struct stat info{};
        if (::lstat(lock.c_str(), &info) == 0)
            makers.insert(info.st_uid);
        else if (errno != ENOENT)
            return std::nullopt;
        if (!owner_is_maker(lock.parent_path())) return std::nullopt;
    }
    return makers;
}

/// Does a git that may hold one of `locks` work in one of `workplaces`? Another user's does not show where it
/// works; it counts when a lock is that user's. On a shared machine others' gits run all the time.
bool a_git_may_hold(const std::vector<fs::path>& locks, const std::vector<fs::path>& workplaces)
{
    return runs_in(workplaces, sought_programs{is_a_git, makers_of(locks)});
}

/// Where locks may lie, and where gits work that may hold them.
struct lock_places {
    fs::path git_dir;   ///< empty when the worktree is gone
    fs::path of_branch; ///< may be empty
    std::vector<fs::path> workplaces;

    std::vector<fs::path> locks() const
    {
        std::vector<fs::path> found;
        std::error_code failed;
        if (!git_dir.empty())
            for (fs::directory_iterator entry(git_dir, failed), end; !failed && entry != end;
                 entry.increment(failed))
                if (entry->path().extension() == ".lock") found.push_back(entry->path());
        if (!of_branch.empty() && fs::exists(of_branch, failed)) found.push_back(of_branch);
        return found;
    }
};

/// How long to wait before the locks can be told from living ones; none when there is nothing to wait for.
using patience = std::optional<std::chrono::milliseconds>;

/// Removes those that are dead for certain.
result<patience> drop_the_dead(const lock_places& places)
{
    const auto locks = places.locks();
    if (locks.empty()) return patience();
    if (a_git_may_hold(locks, places.workplaces)) return patience(100ms); // it tells nobody when it ends
    patience longest;
    for (const fs::path& lock : locks) {
        std::error_code failed;
        const auto changed = fs::last_write_time(lock, failed);
        if (failed) continue; // gone meanwhile
        const auto age = fs::file_time_type::clock::now() - changed;
        if (std::chrono::abs(age) < dead_after) { // the file's clock may be another one
            const auto rest = std::chrono::ceil<std::chrono::milliseconds>(dead_after - age);
            longest = std::max(longest.value_or(0ms), rest);
            continue;
        }
        fs::remove(lock, failed);
        if (failed) return system_fault(failed.value(), "cannot remove " + lock.string());
    }
    return longest;
}

} // namespace

result<void> drop_dead_locks(const std::vector<fs::path>& locks)
{
    for (const fs::path& lock : locks) {
        std::error_code failed;
        if (!fs::exists(fs::symlink_status(lock, failed))) continue;
        if (is_open_somewhere(lock))
            return fault(errc::busy, "a git process still holds a lock").with("lock", lock.string());
        fs::remove(lock, failed);
        if (failed) return system_fault(failed.value(), "cannot remove " + lock.string());
    }
    return {};
}

awaitable<result<void>> drop_locks_left_in(repository& repo, fs::path worktree, std::string branch)
{
    auto git_dir = git_dir_of(repo, worktree);
    if (!git_dir) co_return git_dir.error();
    lock_places places;
    if (!branch.empty()) places.of_branch = repo.common_dir() / ("refs/heads/" + branch + ".lock");
    if (*git_dir) {
        if (**git_dir == repo.common_dir()) co_return result<void>(); // the main one is the user's
        places.git_dir = **git_dir;
        places.workplaces = {places.git_dir, fs::weakly_canonical(worktree)};
    } else {
        places.workplaces = {repo.common_dir(), repo.here().value_or(repo.common_dir())};
    }
    asio::steady_timer pause(co_await asio::this_coro::executor);
    const auto give_up_at = std::chrono::steady_clock::now() + 3 * dead_after;
    while (!places.locks().empty() && std::chrono::steady_clock::now() < give_up_at) {
        patience wait;
        {
            // Two of us must not decide at once: the slower one would remove a lock that a git has taken
            // since.
            auto held = co_await repo.lock().acquire();
            if (!held) co_return held.error();
            auto looked = co_await offload([&places] { return drop_the_dead(places); });
            if (!looked) co_return looked.error();
            wait = *looked;
        }
        if (!wait) break;
        pause.expires_after(*wait);
        co_await pause.async_wait(use_awaitable);
    }
    co_return result<void>();
}

namespace {

/// Where gits of the repository work.
std::vector<fs::path> all_workplaces(const repository& repo)
{
    std::vector<fs::path> workplaces{repo.common_dir()};
    const auto records = worktree_git_dirs(repo);
    for (const fs::path& record : records ? *records : std::vector<fs::path>())
        if (const auto top = work_tree_of(repo, record)) workplaces.push_back(*top);
    return workplaces;
}

void collect_locks(const fs::path& folder, bool below, std::vector<fs::path>& locks)
{
    std::error_code failed;
    for (fs::directory_iterator entry(folder, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        std::error_code gone;
        const auto what = entry->symlink_status(gone);
        if (fs::is_directory(what) && below) collect_locks(entry->path(), below, locks);
        if (fs::is_regular_file(what) && entry->path().extension() == ".lock") locks.push_back(entry->path());
    }
}

} // namespace

std::vector<fs::path> drop_locks_of_earlier_boots(const repository& repo, bool everywhere)
{
    std::vector<fs::path> locks;
    const auto folders = worktree_git_dirs(repo);
    for (const fs::path& git_dir : folders ? *folders : std::vector<fs::path>(1, repo.common_dir())) {
        collect_locks(git_dir, false, locks);
        if (everywhere) collect_locks(git_dir / "refs", true, locks);
    }
    collect_locks(repo.common_dir() / "refs/heads", everywhere, locks);
    if (everywhere)
        for (const char* folder : {"objects/info", "objects/pack"})
            collect_locks(repo.common_dir() / folder, true, locks);
    std::vector<fs::path> removed;
    std::optional<bool> some_git_works; // looked for once, where it counts
    for (fs::path& lock : locks) {
        struct stat info{};
        if (::lstat(lock.c_str(), &info) != 0) continue;
        const auto changed = std::chrono::system_clock::from_time_t(info.st_mtime) +
                             std::chrono::nanoseconds(info.st_mtim.tv_nsec);
        const bool is_old = std::chrono::system_clock::now() - changed > dead_after;
        if (changed >= boot_time()) {
            if (!everywhere || !is_old) continue;
            if (!some_git_works) some_git_works = a_git_may_hold(locks, all_workplaces(repo));
            if (*some_git_works || is_open_somewhere(lock)) continue;
        }
        if (::unlink(lock.c_str()) == 0) removed.push_back(std::move(lock));
    }
    return removed;
}

void drop_dead_packed_refs_lock(const repository& repo)
{
    const fs::path lock = repo.common_dir() / "packed-refs.lock";
    std::error_code absent;
    const auto changed = fs::last_write_time(lock, absent);
    if (absent || fs::file_time_type::clock::now() - changed < 1min) return;
    if (!a_git_may_hold({lock}, all_workplaces(repo)) && !is_open_somewhere(lock)) fs::remove(lock, absent);
}

} // namespace graftline::git
