#include "graftline/git/drop_worktree.hpp"
#include "graftline/git/made_folders.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/worktree.hpp"
#include "graftline/runtime/shielded.hpp"

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Is it ours, by what git lists? nullopt when it is.
std::optional<fault> why_not_ours(const worktree_entry& entry, const std::string& reason)
{
    const auto refused = [&](const std::string& why) {
        return fault(errc::refused, "this worktree is not removed: " + why)
            .with("worktree", entry.path.string());
    };
    if (entry.is_main) return refused("it is the main one");
    if (entry.lock_reason == reason && entry.locked == !reason.empty()) return std::nullopt;
    if (!entry.locked) return refused("it is not locked by us");
    const std::string why = entry.lock_reason.empty() ? "it is locked" : "it is locked: " + entry.lock_reason;
    fault f = refused(why);
    return std::move(f).advise("If nobody needs it: git worktree unlock '" + entry.path.string() + "'");
}

/// Is the folder at `path` still the worktree that git means? Somebody may have put their own there.
awaitable<result<void>> check_folder(repository& repo, fs::path path)
{
    std::error_code failed;
    if (!fs::exists(fs::symlink_status(path, failed))) co_return result<void>(); // deleted by hand
    if (fs::is_directory(fs::symlink_status(path, failed))) {
        auto common = co_await repo.ask_in(path, "rev-parse", "--path-format=absolute", "--git-common-dir");
        const bool linked = fs::is_regular_file(fs::symlink_status(path / ".git", failed));
        if (linked && common && fs::equivalent(*common, repo.common_dir(), failed)) co_return result<void>();
    }
    co_return fault(errc::refused,
                    "what lies there is no worktree of this repository any more: " + path.string())
        .advise("Look into it, move it away, and do this again.");
}

awaitable<result<std::optional<fs::path>>> remove_locked(repository& repo, fs::path path, std::string reason)
{
    auto entries = co_await list_worktrees(repo);
    if (!entries) co_return entries.error();
    const worktree_entry* entry = nullptr;
    for (const worktree_entry& candidate : *entries)
        if (fs::weakly_canonical(candidate.path) == path) entry = &candidate;
    if (!entry) co_return fault(errc::not_found, "there is no worktree at " + path.string());
    if (auto why = why_not_ours(*entry, reason)) co_return std::move(*why);
    auto checked = co_await check_folder(repo, path);
    if (!checked) co_return checked.error();
    // From here on a cancel would leave git's record without its folder.
    auto dropped = co_await shielded(drop_worktree(repo, path));
    if (dropped) remove_made_parents(repo.state_folder(), path);
    co_return dropped;
}

} // namespace

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
