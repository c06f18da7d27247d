#include "graftline/git/branch_use.hpp"

#include "graftline/git/records.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/scratch.hpp"

#include <algorithm>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file)
{
    std::string text = text_of(file);
    text.erase(std::min(text.find('\n'), text.size()));
    return text;
}

bool names_branch(const std::string& name, const std::string& fullname)
{
    // BISECT_START holds the short name, a rebase's head-name the full one.
    return name == fullname || "refs/heads/" + name == fullname;
}

/// A rebase that moves stacked branches too lists them: ref, old, new, a line each.
bool lists_branch(const fs::path& update_refs, const std::string& fullname)
{
    const std::vector<std::string> lines = records_of(text_of(update_refs), '\n');
    return std::find(lines.begin(), lines.end(), fullname) != lines.end();
}

std::string under_way_in(const fs::path& git_dir, const std::string& fullname)
{
    for (const char* state : {"rebase-merge", "rebase-apply"})
        if (names_branch(first_line(git_dir / state / "head-name"), fullname)) return "rebase";
    if (lists_branch(git_dir / "rebase-merge" / "update-refs", fullname)) return "rebase";
    if (names_branch(first_line(git_dir / "BISECT_START"), fullname)) return "bisect";
    return {};
}

} // namespace

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
    fs::path link(first_line(git_dir / "gitdir")); // ".../worktree/.git"
    if (link.empty()) return std::nullopt;
    if (link.is_relative()) link = (git_dir / link).lexically_normal();
    return link.parent_path();
}

std::string head_ref_in(const fs::path& git_dir)
{
    constexpr std::string_view key = "ref: ";
    const std::string head = first_line(git_dir / "HEAD");
    return head.starts_with(key) ? head.substr(key.size()) : std::string();
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
    const std::string text = text_of(worktree / ".git");
    if (!text.starts_with(key)) return std::nullopt;
    return worktree / text.substr(key.size(), text.find('\n') - key.size());
}

result<std::optional<fs::path>> git_dir_of(const repository& repo, const fs::path& work_tree)
{
    const fs::path wanted = without_links_above(work_tree);
    // Both say so: then the other records need not be read.
    auto named = named_by_dot_git(wanted);
    if (named && named->parent_path() == repo.common_dir() / "worktrees" &&
        work_tree_of(repo, *named) == wanted)
        return named;
    auto folders = worktree_git_dirs(repo);
    if (!folders) return folders.error();
    for (fs::path& git_dir : *folders) {
        const std::optional<fs::path> top = work_tree_of(repo, git_dir);
        if (top && (*top == wanted || without_links_above(*top) == wanted))
            return std::optional(std::move(git_dir));
    }
    return std::optional<fs::path>();
}

result<std::vector<branch_use>> uses_of(const repository& repo, const std::string& fullname)
{
    auto folders = worktree_git_dirs(repo);
    if (!folders) return folders.error();
    std::vector<branch_use> uses;
    for (const fs::path& git_dir : *folders) {
        const std::optional<fs::path> work_tree = work_tree_of(repo, git_dir);
        if (!work_tree) continue; // a bare repository's HEAD has no files that could fall behind
        branch_use use{git_dir, *work_tree, head_ref_in(git_dir) == fullname,
                       under_way_in(git_dir, fullname)};
        if (use.is_head || !use.under_way.empty()) uses.push_back(std::move(use));
    }
    return uses;
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
