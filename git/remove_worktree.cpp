#include "graftline/git/branch_use.hpp"
#include "graftline/git/drop_worktree.hpp"
#include "graftline/git/made_folders.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/scratch.hpp"
#include "graftline/git/worktree.hpp"
#include "graftline/runtime/shielded.hpp"

#include <cctype>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// The reason in a worktree's lock, as `git worktree list` gives it; nullopt when it is not locked.
std::optional<std::string> lock_of(const fs::path& record)
{
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(record / "locked", ignored))) return std::nullopt;
    std::string reason = text_of(record / "locked");
    while (!reason.empty() && std::isspace(static_cast<unsigned char>(reason.back())) != 0)
        reason.pop_back();
    return reason;
}

/// Is it ours, by git's record? nullopt when it is.
std::optional<fault> why_not_ours(const repository& repo, const fs::path& record, const fs::path& path,
                                  const std::string& reason)
{
    const auto refused = [&](const std::string& why) {
        return fault(errc::refused, "this worktree is not removed: " + why).with("worktree", path.string());
    };
    if (record == repo.common_dir()) return refused("it is the main one");
    const auto lock = lock_of(record);
    if (lock.value_or("") == reason && lock.has_value() == !reason.empty()) return std::nullopt;
    // Without its folder anybody's prune would take it: the lock is the first thing that a git removed which
    // was killed while it forgot the worktree.
    std::error_code ignored;
    if (!lock && !fs::exists(fs::symlink_status(path, ignored))) return std::nullopt;
    if (!lock) return refused("it is not locked by us");
    const std::string why = lock->empty() ? "it is locked" : "it is locked: " + *lock;
    return refused(why).advise("If nobody needs it: git worktree unlock '" + path.string() + "'");
}

/// A git that was killed while it made the worktree has written nothing there but an empty `.git`, if that.
bool is_half_made(const fs::path& path)
{
    std::error_code failed;
    for (fs::directory_iterator entry(path, failed), end; !failed && entry != end; entry.increment(failed))
        if (entry->path().filename() != ".git" || !entry->is_regular_file(failed) ||
            entry->file_size(failed) != 0)
            return false;
    return !failed;
}

/// Does the worktree's `.git` say that it is one of this repository?
bool belongs_to(const repository& repo, const fs::path& path)
{
    std::error_code failed;
    if (!fs::is_regular_file(fs::symlink_status(path / ".git", failed))) return false;
    constexpr std::string_view key = "gitdir: ";
    const std::string text = text_of(path / ".git");
    if (!text.starts_with(key)) return false;
    const fs::path git_dir = path / text.substr(key.size(), text.find('\n') - key.size());
    return fs::equivalent(git_dir.parent_path(), repo.common_dir() / "worktrees", failed);
}

/// Is the folder at `path` still the worktree that git means? Somebody may have put their own there.
result<void> check_folder(const repository& repo, const fs::path& path)
{
    std::error_code failed;
    const auto what = fs::symlink_status(path, failed);
    if (!fs::exists(what)) return {}; // deleted by hand
    const bool is_scratch =
        path.parent_path() == fs::weakly_canonical(repo.state_folder() / "scratch", failed);
    if (fs::is_directory(what) && (is_scratch || is_half_made(path) || belongs_to(repo, path))) return {};
    return fault(errc::refused,
                 "what lies there is no worktree of this repository any more: " + path.string())
        .advise("Look into it, move it away, and do this again.");
}

/// A git that was killed while it made the worktree, or while it forgot it, leaves a part of its record that
/// it does not list. It is ours by its name, and by the reason in it unless that is what is missing.
void remove_part_of_record(const repository& repo, const fs::path& path, const std::string& reason)
{
    const fs::path part = repo.common_dir() / "worktrees" / path.filename();
    std::error_code failed;
    if (!fs::is_directory(part, failed) || !text_of(part / "gitdir").empty()) return;
    const std::string lock = lock_of(part).value_or("");
    if (!lock.empty() && lock != reason) return;
    if (fs::exists(fs::symlink_status(path, failed)) && !is_half_made(path)) return;
    fs::remove_all(part, failed); // what stays is only untidy
}

awaitable<result<std::optional<fs::path>>> remove_locked(repository& repo, fs::path path, std::string reason)
{
    complete_worktree_records(repo);
    const auto record = git_dir_of(repo, path);
    if (!record) co_return record.error();
    if (!*record) {
        remove_part_of_record(repo, path, reason);
        co_return fault(errc::not_found, "there is no worktree at " + path.string());
    }
    if (auto why = why_not_ours(repo, **record, path, reason)) co_return std::move(*why);
    auto checked = check_folder(repo, path);
    if (!checked) co_return checked.error();
    // From here on a cancel would leave git's record without its folder.
    auto dropped = co_await shielded(drop_worktree(repo, path));
    if (dropped) remove_made_parents(repo.state_folder(), path);
    co_return dropped;
}

} // namespace

result<void> check_worktree(const repository& repo, const fs::path& path, const std::string& reason,
                            const std::string& branch)
{
    const auto refused =
        fault(errc::refused, "what lies there is not the task's worktree any more: " + path.string())
            .advise("Look into it, move it away, and do this again.");
    std::error_code failed;
    if (!fs::is_directory(fs::symlink_status(path, failed))) return refused; // a link leads elsewhere
    const auto record = git_dir_of(repo, path);
    if (!record) return record.error();
    if (!*record || **record == repo.common_dir() || !belongs_to(repo, path)) return refused;
    const auto lock = lock_of(**record);
    // An agent may have unlocked it; then its branch tells.
    const bool has_branch = head_ref_in(**record) == "refs/heads/" + branch;
    if (lock ? *lock != reason : !has_branch) return refused;
    return {};
}

void forget_worktree(const repository& repo, const fs::path& path, const std::string& reason)
{
    std::error_code failed;
    if (fs::exists(fs::symlink_status(path, failed))) return;
    const auto known = git_dir_of(repo, path);
    const fs::path record = known && *known ? **known : repo.common_dir() / "worktrees" / path.filename();
    if (record == repo.common_dir() || lock_of(record) != reason) return;
    fs::remove_all(record, failed); // what stays is only untidy
}

awaitable<result<void>> remove_worktree(repository& repo, fs::path path, std::string lock_reason_expected)
{
    path = fs::weakly_canonical(fs::absolute(path));
    auto lease = co_await repo.lock().acquire();
    if (!lease) co_return lease.error();
    auto dropped = co_await remove_locked(repo, path, std::move(lock_reason_expected));
    if (!dropped) co_return dropped.error();
    {
        const auto released = std::move(*lease); // deleting takes long, and needs no lock
    }
    if (!*dropped) co_return result<void>();
    co_return co_await delete_dropped(repo, std::move(**dropped));
}

} // namespace graftline::git
