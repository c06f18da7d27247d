#include "graftline/git/refs/own_worktree.hpp"

#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"

#include <sys/stat.h>

#include <cctype>
#include <cerrno>
#include <cstdint>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// In git's record of a worktree: the reason that its lock had, and the way from the record to the folder.
constexpr const char* mark_name = "graftline-mark";

struct mark {
    std::string reason;
    fs::path way;
};

mark mark_in(const fs::path& record)
{
    std::string text = text_of(record / mark_name);
    text.erase(text.find_last_not_of('\n') + 1);
    const auto line = std::min(text.find('\n'), text.size());
    return {text.substr(0, line), text.substr(std::min(line + 1, text.size()))};
}

/// Does this `.git` lead to where `record` was before the repository was moved? The copy of a repository is
/// not its owner: the folder that its worktrees name is there.
bool leads_to_former(const fs::path& worktree, const fs::path& record)
{
    const auto named = named_by_dot_git(worktree);
    if (!named || named->filename() != record.filename() || named->parent_path().filename() != "worktrees")
        return false;
    const auto former = folder_at(*named);
    return former && *former == folder_state::away;
}

bool names(const fs::path& worktree, const fs::path& record)
{
    const auto named = named_by_dot_git(worktree);
    std::error_code failed;
    return named && fs::equivalent(*named, record, failed);
}

/// Does a file lie there that git's index has seen there? Numbers of files are not given twice at a time, and
/// a copy has others: then it is the folder that the index belongs to.
bool has_file_of_index(const fs::path& worktree, const fs::path& index_file)
{
    owned<git_index, git_index_free> index;
    if (git_index_open(out(index), index_file.c_str()) < 0) return false;
    for (std::size_t at = 0; at < git_index_entrycount(index.get()); ++at) {
        const git_index_entry& entry = *git_index_get_byindex(index.get(), at);
        struct stat about{};
        if (entry.ino == 0 || ::lstat((worktree / entry.path).c_str(), &about) != 0) continue;
        if (entry.ino == static_cast<std::uint32_t>(about.st_ino) &&
            entry.mtime.seconds == static_cast<std::int32_t>(about.st_mtim.tv_sec) &&
            entry.mtime.nanoseconds == static_cast<std::uint32_t>(about.st_mtim.tv_nsec) &&
            entry.file_size == static_cast<std::uint32_t>(about.st_size))
            return true;
    }
    return false;
}

/// Only its `.git` was deleted: the record still has all that git knows.
bool has_lost_dot_git(const own_worktree& found)
{
    struct stat about{};
    const bool gone = ::lstat((found.path / ".git").c_str(), &about) != 0 && errno == ENOENT;
    return gone && has_file_of_index(found.path, found.record / "index");
}

/// Puts right what moving a repository leaves behind, and a `.git` that is gone. Anything else stays as it
/// is.
result<void> mend_links(own_worktree& found)
{
    const auto state = folder_at(found.path);
    if (!state) return state.error();
    if (*state == folder_state::away) {
        const fs::path way = mark_in(found.record).way;
        if (way.empty()) return {};
        const fs::path now = without_links_above(found.record / way);
        const auto there = folder_at(now);
        if (!there || *there != folder_state::there || now == found.path) return {};
        if (!names(now, found.record) && !leads_to_former(now, found.record)) return {};
        auto told = replace_file(found.record / "gitdir", (now / ".git").string() + "\n");
        if (!told) return told;
        found.path = now;
    }
    if (*state == folder_state::replaced) return {};
    if (!leads_to_former(found.path, found.record) && !has_lost_dot_git(found)) return {};
    return replace_file(found.path / ".git", "gitdir: " + found.record.string() + "\n");
}

/// Looked for among all records, where it is not where it was.
result<std::optional<own_worktree>> find_moved(const repository& repo, const fs::path& last_seen,
                                               const std::string& reason, const std::string& branch)
{
    const auto records = worktree_git_dirs(repo);
    if (!records) return records.error();
    std::optional<own_worktree> likely;
    for (const fs::path& record : *records) {
        if (record == repo.common_dir()) continue;
        const auto top = work_tree_of(repo, record);
        if (!top) continue;
        if (is_own_record(record, reason)) return own_worktree{record, without_links_above(*top)};
        // One made before there were marks, which was unlocked to be moved: it keeps its name and its branch.
        if (!lock_of(record) && mark_in(record).reason.empty() && record.filename() == last_seen.filename() &&
            head_ref_in(record) == "refs/heads/" + branch)
            likely = own_worktree{record, without_links_above(*top)};
    }
    return likely;
}

} // namespace

result<folder_state> folder_at(const fs::path& path)
{
    struct stat about{};
    if (::lstat(path.c_str(), &about) == 0)
        return S_ISDIR(about.st_mode) ? folder_state::there : folder_state::replaced;
    if (errno == ENOENT || errno == ENOTDIR) return folder_state::away;
    return system_fault(errno, "it cannot be told whether a folder is there").with("folder", path.string());
}

result<void> mark_own_worktree(const fs::path& record, const fs::path& path, const std::string& reason)
{
    const fs::path way = without_links_above(path).lexically_relative(record);
    return replace_file(record / mark_name, reason + "\n" + way.string() + "\n");
}

std::optional<std::string> lock_of(const fs::path& record)
{
    std::error_code ignored;
    if (!fs::exists(fs::symlink_status(record / "locked", ignored))) return std::nullopt;
    std::string reason = text_of(record / "locked");
    while (!reason.empty() && std::isspace(static_cast<unsigned char>(reason.back())) != 0)
        reason.pop_back();
    return reason;
}

bool is_own_record(const fs::path& record, const std::string& reason)
{
    const auto lock = lock_of(record);
    if (lock && !reason.empty()) return *lock == reason;
    return !lock && mark_in(record).reason == reason;
}

result<std::optional<own_worktree>> find_own_worktree(const repository& repo, const fs::path& last_seen,
                                                      const std::string& reason, const std::string& branch)
{
    const fs::path path = without_links_above(last_seen);
    const auto record = git_dir_of(repo, path);
    if (!record) return record.error();
    std::optional<own_worktree> found;
    if (*record && **record != repo.common_dir() && is_own_record(**record, reason))
        found = own_worktree{**record, path};
    if (!found) {
        auto moved = find_moved(repo, path, reason, branch);
        if (!moved) return moved.error();
        found = std::move(*moved);
    }
    if (!found) return found;
    if (auto mended = mend_links(*found); !mended) return mended.error();
    // The record alone may lead anywhere: a folder elsewhere must say the same, or it is somebody's.
    const auto state = folder_at(found->path);
    if (!state) return state.error();
    if (found->path != path && *state == folder_state::there && !names(found->path, found->record))
        return std::nullopt;
    return found;
}

std::optional<fs::path> other_repository_of(const repository& repo, const fs::path& record)
{
    std::string way = text_of(record / "commondir");
    way.erase(way.find_last_not_of("\r\n") + 1);
    if (way.empty()) return std::nullopt;
    const fs::path named = record / way;
    std::error_code failed;
    if (fs::equivalent(named, repo.common_dir(), failed)) return std::nullopt;
    return named.lexically_normal();
}

std::optional<std::string> what_dot_git_says(const fs::path& worktree, const fs::path& record)
{
    if (names(worktree, record)) return std::nullopt;
    std::error_code failed;
    const auto what = fs::symlink_status(worktree / ".git", failed);
    if (what.type() == fs::file_type::none) return "its .git cannot be looked at: " + failed.message();
    if (!fs::exists(what)) return "its .git is gone";
    if (fs::is_directory(what)) return "its .git is a repository of its own";
    const auto named = named_by_dot_git(worktree);
    if (!named) return "its .git is none of git's";
    return "its .git names another git folder: " + named->string();
}

} // namespace graftline::git
