#include "graftline/git/refs/own_worktree.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/worktree/drop_worktree.hpp"
#include "graftline/git/worktree/made_folders.hpp"
#include "graftline/git/worktree/worktree.hpp"
#include "graftline/runtime/async/shielded.hpp"

#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Is it ours, by git's record? nullopt when it is.
std::optional<fault> why_not_ours(const repository& repo, const fs::path& record, const fs::path& path,
                                  const std::string& reason)
{
    const auto refused = [&](const std::string& why) {
        return fault(errc::refused, "this worktree is not removed: " + why).with("worktree", path.string());
    };
    if (record == repo.common_dir()) return refused("it is the main one");
    if (is_own_record(record, reason)) return std::nullopt;
    const auto lock = lock_of(record);
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

/// Somebody's own may lie at `path` by now.
fault not_ours_any_more(std::string what, const fs::path& path, const std::string& found)
{
    return fault(errc::refused, std::move(what) + ": " + path.string())
        .with("found", found)
        .advise("Look into it and move it away, with what you need of it; then do this again. What the task "
                "had committed is on its branch.");
}

/// Does git work in this repository there?
result<void> check_repository(const repository& repo, const fs::path& record, const fs::path& path)
{
    const auto other = other_repository_of(repo, record);
    if (!other) return {};
    return fault(errc::refused, "git's record of this worktree names another repository: " + other->string())
        .with("worktree", path.string())
        .with("file", (record / "commondir").string())
        .advise("The next graftline command writes it again: do this once more. What was committed meanwhile "
                "lies "
                "in that other repository.");
}

/// Is the folder at `path` still the worktree that git means?
result<void> check_folder(const repository& repo, const fs::path& record, const fs::path& path)
{
    constexpr const char* refusal = "what lies there is no worktree of this repository any more";
    const auto state = folder_at(path);
    if (!state) return state.error();
    if (*state == folder_state::away) return {}; // deleted by hand
    if (*state == folder_state::replaced)
        return not_ours_any_more(refusal, path, "a file or a symbolic link, which is not followed");
    std::error_code failed;
    if (path.parent_path() == fs::weakly_canonical(repo.state_folder() / "scratch", failed)) return {};
    if (is_half_made(path)) return {};
    if (const auto other = what_dot_git_says(path, record)) return not_ours_any_more(refusal, path, *other);
    return check_repository(repo, record, path);
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
    auto checked = check_folder(repo, **record, path);
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
    constexpr const char* refusal = "what lies there is not the task's worktree any more";
    const auto state = folder_at(path);
    if (!state) return state.error();
    if (*state == folder_state::away) return not_ours_any_more(refusal, path, "nothing");
    if (*state == folder_state::replaced)
        return not_ours_any_more(refusal, path, "a file or a symbolic link, which is not followed");
    const auto record = git_dir_of(repo, path);
    if (!record) return record.error();
    if (!*record || **record == repo.common_dir())
        return not_ours_any_more(refusal, path, "a folder that git has no record of");
    if (const auto other = what_dot_git_says(path, **record)) return not_ours_any_more(refusal, path, *other);
    // An agent may have unlocked one that was made before there were marks; then its branch tells.
    const bool has_branch = !lock_of(**record) && head_ref_in(**record) == "refs/heads/" + branch;
    if (is_own_record(**record, reason) || has_branch) return check_repository(repo, **record, path);
    return not_ours_any_more(refusal, path, "a worktree of somebody else's");
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
    path = without_links_above(path);
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
