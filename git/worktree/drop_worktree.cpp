#include "graftline/git/worktree/drop_worktree.hpp"

#include "graftline/git/refs/own_worktree.hpp"
#include "graftline/git/repository/git_files.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/worktree/folder.hpp"
#include "graftline/runtime/async/offload.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <thread>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

fs::path trash_folder(const repository& repo)
{
    return repo.state_folder() / "trash";
}

/// "<pid>-<number>": no two live processes make the same name, and a dead one's are recognised.
std::string trash_name()
{
    static std::atomic<unsigned> count{0};
    return std::to_string(getpid()) + "-" + std::to_string(++count);
}

bool is_left_behind(const std::string& name)
{
    pid_t pid = 0;
    const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (failed != std::errc() || end == name.data() + name.size() || *end != '-') return false;
    return pid != getpid() && kill(pid, 0) != 0 && errno == ESRCH;
}

bool still_filled(const result<void>& deleted)
{
    return !deleted && deleted.error().code() == boost::system::errc::directory_not_empty;
}

/// Renames `path` into the trash, or beside itself where the trash is on another file system. Then a file in
/// the trash names it, written before: whoever finds what a killed process left finds that too.
result<fs::path> rename_away(const repository& repo, const fs::path& path)
{
    std::error_code failed;
    fs::create_directories(trash_folder(repo), failed);
    const std::string name = trash_name();
    const fs::path in_trash = trash_folder(repo) / name;
    if (std::rename(path.c_str(), in_trash.c_str()) == 0) return in_trash;
    if (errno == EXDEV) {
        const fs::path beside = path.parent_path() / ("." + path.filename().string() + ".removed-" + name);
        if (auto noted = replace_file(in_trash, beside.string()); !noted) return noted.error();
        if (std::rename(path.c_str(), beside.c_str()) == 0) return beside;
        const int why = errno;
        fs::remove(in_trash, failed);
        errno = why;
    }
    return system_fault(errno, "cannot move the worktree's folder away: " + path.string());
}

/// The file in the trash that names `dropped`, if it lies elsewhere.
fs::path note_of(const fs::path& trash, const fs::path& dropped)
{
    const std::string name = dropped.filename().string();
    return dropped.parent_path() == trash ? fs::path() : trash / name.substr(name.rfind(".removed-") + 9);
}

/// The folder that an entry of the trash is, or names; nullopt when it names none of ours.
std::optional<fs::path> folder_of(const fs::path& entry)
{
    std::error_code failed;
    if (fs::is_directory(fs::symlink_status(entry, failed))) return entry;
    fs::path named = text_of(entry);
    const bool is_ours =
        named.is_absolute() && named.filename().string().ends_with(".removed-" + entry.filename().string());
    return is_ours ? std::optional(std::move(named)) : std::nullopt;
}

/// What processes that died have left in the trash, with what it stands for.
std::vector<left_folder> delete_left_behind(const fs::path& trash, bool only_look)
{
    std::vector<left_folder> all;
    std::error_code failed;
    for (fs::directory_iterator entry(trash, failed), end; !failed && entry != end; entry.increment(failed)) {
        if (!is_left_behind(entry->path().filename().string())) continue;
        const auto folder = folder_of(entry->path());
        result<void> deleted;
        if (folder && !only_look) deleted = delete_folder(*folder);
        if (folder) all.push_back({*folder, deleted ? std::nullopt : std::optional(deleted.error())});
        std::error_code ignored;
        if (!only_look && deleted && folder != entry->path()) fs::remove(entry->path(), ignored);
    }
    return all;
}

/// What keeps it is in the fault already: where it is, and what then.
fault left_there(const fault& why, const fs::path& dropped)
{
    fault f = why;
    f.with("what is left of the worktree", dropped.string());
    const std::string first =
        f.advice().empty() ? "Take away what keeps it (see lsattr, findmnt)." : f.advice();
    return f.advise("Git has forgotten the worktree; only its folder is left. " + first +
                    " Then: graftline clean");
}

/// Removes git's record of a worktree: to git there is all of it, or nothing. `git worktree remove` deletes
/// one file of it after the other, and looks at those of all other worktrees before.
result<void> forget(const repository& repo, const fs::path& record)
{
    std::error_code failed;
    fs::create_directories(trash_folder(repo), failed);
    const fs::path away = trash_folder(repo) / trash_name();
    if (std::rename(record.c_str(), away.c_str()) == 0) {
        (void)delete_folder(away); // what is left of it goes with what dead processes leave
    } else if (errno != EXDEV) {
        return system_fault(errno, "git's record of a worktree cannot be moved away: " + record.string());
    } else if (auto deleted = delete_folder(record); !deleted) {
        return deleted;
    }
    ::rmdir(record.parent_path().c_str()); // as git does with the last one
    return {};
}

result<std::optional<fs::path>> drop(const repository& repo, const fs::path& path)
{
    const auto record = git_dir_of(repo, path);
    if (!record) return record.error();
    if (!*record || **record == repo.common_dir())
        return fault(errc::not_found, "git has no record of a worktree there").with("folder", path.string());
    std::optional<fs::path> dropped;
    const auto state = folder_at(path);
    if (!state) return state.error();
    if (*state != folder_state::away) {
        auto renamed = rename_away(repo, path);
        if (!renamed) return renamed.error();
        dropped = std::move(*renamed);
    }
    if (auto forgotten = forget(repo, **record); !forgotten) {
        if (dropped) std::rename(dropped->c_str(), path.c_str());
        return forgotten.error();
    }
    return dropped;
}

} // namespace

awaitable<result<std::optional<fs::path>>> drop_worktree(repository& repo, fs::path path)
{
    if (auto safe = check_worktree_records(repo); !safe) co_return safe.error();
    auto job = [&] { return drop(repo, path); };
    co_return co_await offload(std::move(job));
}

awaitable<result<void>> delete_dropped(repository& repo, fs::path dropped)
{
    auto job = [dropped = std::move(dropped), trash = trash_folder(repo)]() -> result<void> {
        auto deleted = delete_folder(dropped);
        // A git of a graftline that was killed may still be checking out there.
        for (int tries = 0; tries < 40 && still_filled(deleted); ++tries) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            deleted = delete_folder(dropped);
        }
        std::error_code failed;
        if (const fs::path note = note_of(trash, dropped); deleted && !note.empty()) fs::remove(note, failed);
        (void)delete_left_behind(trash, false);
        if (!deleted) return left_there(deleted.error(), dropped);
        return deleted;
    };
    co_return co_await offload(std::move(job));
}

awaitable<std::vector<left_folder>> delete_left_folders(repository& repo, bool only_look)
{
    auto job = [trash = trash_folder(repo), only_look] { return delete_left_behind(trash, only_look); };
    co_return co_await offload(std::move(job));
}

} // namespace graftline::git
