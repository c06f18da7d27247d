#include "graftline/git/branch_use.hpp"

#include "graftline/git/records.hpp"
#include "graftline/git/repository.hpp"
#include "graftline/git/scratch.hpp"
#include "graftline/runtime/offload.hpp"
#include "graftline/runtime/small_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
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

/// A path in a file of its own, as git reads it: line ends may be in it, but not at its end.
std::string path_in(const fs::path& file)
{
    std::string text = text_of(file);
    text.erase(text.find_last_not_of("\r\n") + 1);
    return text;
}

/// The first line of a small file in the folder `git_dir`; empty when it is not there. What is there and
/// cannot be read is an error: a branch in use must not look unused.
result<std::string> line_in(const fs::path& git_dir, const char* name)
{
    constexpr std::size_t most = 64 * 1024;
    const auto text = read_small_file(git_dir / name, most);
    if (!text) return text.error();
    return *text ? (*text)->substr(0, (*text)->find('\n')) : std::string();
}

bool is_there(const fs::path& git_dir, const char* name)
{
    return ::access((git_dir / name).c_str(), F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

/// A rebase that moves stacked branches too lists them: ref, old, new, a line each.
bool lists_branch(const fs::path& update_refs, const std::string& fullname)
{
    const std::vector<std::string> lines = records_of(text_of(update_refs), '\n');
    return std::find(lines.begin(), lines.end(), fullname) != lines.end();
}

std::string ref_in(const std::string& head)
{
    constexpr std::string_view key = "ref: ";
    return head.starts_with(key) ? head.substr(key.size()) : std::string();
}

/// Is that a name of the branch? A rebase's head-name holds the full one, BISECT_START the short one.
bool names_branch(const repository& repo, const std::string& name, const std::string& followed)
{
    if (name.empty()) return false;
    return followed_ref(repo, name.starts_with("refs/") ? name : "refs/heads/" + name) == followed;
}

result<std::string> under_way_in(const repository& repo, const fs::path& git_dir, const std::string& followed)
{
    for (const char* state : {"rebase-merge", "rebase-apply"}) {
        if (!is_there(git_dir, state)) continue;
        const auto name = line_in(git_dir / state, "head-name");
        if (!name) return name.error();
        if (names_branch(repo, *name, followed)) return std::string("rebase");
        if (lists_branch(git_dir / state / "update-refs", followed)) return std::string("rebase");
    }
    const auto bisected = line_in(git_dir, "BISECT_START");
    if (!bisected) return bisected.error();
    return std::string(names_branch(repo, *bisected, followed) ? "bisect" : "");
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
    return ref_in(first_line(git_dir / "HEAD"));
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

std::string followed_ref(const repository& repo, std::string fullname)
{
    constexpr int deepest = 5; // as in git
    for (int depth = 0; depth < deepest; ++depth) {
        auto next = ref_in(first_line(repo.common_dir() / fullname)); // a symbolic ref is never packed
        if (next.empty()) break;
        fullname = std::move(next);
    }
    return fullname;
}

result<std::vector<branch_use>> uses_of(const repository& repo, const std::string& fullname)
{
    auto folders = worktree_git_dirs(repo);
    if (!folders) return folders.error();
    const auto followed = followed_ref(repo, fullname);
    std::vector<branch_use> uses;
    for (const fs::path& git_dir : *folders) {
        const auto head = line_in(git_dir, "HEAD");
        if (!head) return head.error();
        auto under_way = under_way_in(repo, git_dir, followed);
        if (!under_way) return under_way.error();
        const bool is_head = names_branch(repo, ref_in(*head), followed);
        if (!is_head && under_way->empty()) continue;
        const std::optional<fs::path> work_tree = work_tree_of(repo, git_dir);
        if (!work_tree && repo.is_bare()) continue; // its HEAD has no files that could fall behind
        uses.push_back({git_dir, work_tree.value_or(fs::path()), is_head, std::move(*under_way)});
    }
    return uses;
}

awaitable<result<std::vector<branch_use>>> find_uses_of(const repository& repo, std::string fullname)
{
    auto look = [&] { return uses_of(repo, fullname); };
    co_return co_await offload(std::move(look));
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
