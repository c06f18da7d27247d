#include "graftline/git/repository/worktree_records.hpp"

#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// A path in a file of its own, as git reads it: line ends may be in it, but not at its end.
std::string path_in(const fs::path& file)
{
    std::string text = text_of(file);
    text.erase(text.find_last_not_of("\r\n") + 1);
    return text;
}

/// Compares places by their real names; a link in the place itself is not followed. Those of a thousand
/// worktrees side by side cost one look each: their folder is looked up once.
class place_finder {
public:
    explicit place_finder(const fs::path& wanted) : wanted_(without_links_above(wanted)) {}

    const fs::path& wanted() const { return wanted_; }
    bool is_at(const std::optional<fs::path>& top)
    {
        if (!top) return false;
        if (*top == wanted_) return true;
        if (!top->has_filename()) return without_links_above(*top) == wanted_;
        const auto [folder, fresh] = folders_.try_emplace(top->parent_path());
        if (fresh) folder->second = fs::weakly_canonical(folder->first, ignored_);
        return folder->second / top->filename() == wanted_;
    }

private:
    std::error_code ignored_;
    fs::path wanted_;
    std::map<fs::path, fs::path> folders_;
};

} // namespace

std::string first_line_of(const fs::path& file)
{
    std::string text = text_of(file);
    text.erase(std::min(text.find('\n'), text.size()));
    return text;
}

std::string ref_named_in(std::string_view head)
{
    constexpr std::string_view key = "ref: ";
    return head.starts_with(key) ? std::string(head.substr(key.size())) : std::string();
}

result<std::vector<fs::path>> worktree_git_dirs(const repository& repo)
{
    std::vector<fs::path> folders{repo.common_dir()};
    const fs::path linked = repo.common_dir() / "worktrees";
    std::error_code failed;
    if (!fs::exists(linked, failed)) return folders;
    for (fs::directory_iterator entry(linked, failed), end; !failed && entry != end; entry.increment(failed))
        folders.push_back(entry->path());
    if (failed) return system_fault(failed.value(), "cannot list " + linked.string());
    std::sort(folders.begin() + 1, folders.end());
    return folders;
}

std::optional<fs::path> work_tree_of(const repository& repo, const fs::path& git_dir)
{
    if (git_dir == repo.common_dir()) return repo.main_work_tree();
    fs::path link(path_in(git_dir / "gitdir")); // ".../worktree/.git"
    if (link.empty()) return std::nullopt;
    if (link.is_relative()) link = (git_dir / link).lexically_normal();
    return link.parent_path();
}

std::string head_ref_in(const fs::path& git_dir)
{
    return ref_named_in(first_line_of(git_dir / "HEAD"));
}

fs::path without_links_above(const fs::path& path)
{
    std::error_code failed;
    fs::path whole = fs::absolute(path, failed).lexically_normal();
    if (!whole.has_filename()) whole = whole.parent_path();
    const fs::path parent = fs::weakly_canonical(whole.parent_path(), failed);
    return failed ? whole : parent / whole.filename();
}

std::optional<fs::path> named_by_dot_git(const fs::path& worktree)
{
    constexpr std::string_view key = "gitdir: ";
    std::error_code failed;
    if (!fs::is_regular_file(fs::symlink_status(worktree / ".git", failed))) return std::nullopt;
    const std::string text = path_in(worktree / ".git");
    if (!text.starts_with(key)) return std::nullopt;
    return worktree / text.substr(key.size());
}

result<std::optional<fs::path>> git_dir_of(const repository& repo, const fs::path& work_tree)
{
    place_finder place(work_tree);
    // git calls a record as it calls the worktree, unless that name was taken; `.git` counts only where the
    // record says the same.
    const fs::path records = repo.common_dir() / "worktrees";
    std::vector<fs::path> likely{repo.common_dir(), records / place.wanted().filename()};
    if (auto named = named_by_dot_git(place.wanted()); named && named->parent_path() == records)
        likely.push_back(std::move(*named));
    for (const fs::path& record : likely)
        if (place.is_at(work_tree_of(repo, record))) return std::optional(record);
    auto folders = worktree_git_dirs(repo);
    if (!folders) return folders.error();
    for (fs::path& git_dir : *folders)
        if (place.is_at(work_tree_of(repo, git_dir))) return std::optional(std::move(git_dir));
    // What cannot be read is not nothing.
    for (const fs::path& record : likely)
        if (const auto link = text_if_there(record / "gitdir"); !link)
            return fault(link.error()).with("git's record of the worktree", record.string());
    return std::optional<fs::path>();
}

std::optional<std::string> half_done_in(const fs::path& git_dir)
{
    static const std::pair<const char*, const char*> states[]{
        {"rebase-merge", "a rebase"}, {"rebase-apply", "a rebase"},
        {"MERGE_HEAD", "a merge"},    {"CHERRY_PICK_HEAD", "a cherry-pick"},
        {"REVERT_HEAD", "a revert"},  {"sequencer", "a cherry-pick or revert"},
        {"BISECT_START", "a bisect"}, {"BISECT_LOG", "a bisect"}};
    for (const auto& [file, name] : states) {
        std::error_code ignored;
        if (fs::exists(fs::symlink_status(git_dir / file, ignored))) return name;
    }
    return std::nullopt;
}

} // namespace graftline::git
