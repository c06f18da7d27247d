#include "graftline/git/refs/branch_use.hpp"

#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/runtime/async/offload.hpp"
#include "graftline/runtime/files/small_file.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

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

} // namespace

std::string followed_ref(const repository& repo, std::string fullname)
{
    constexpr int deepest = 5; // as in git
    for (int depth = 0; depth < deepest; ++depth) {
        auto next =
            ref_named_in(first_line_of(repo.common_dir() / fullname)); // a symbolic ref is never packed
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
        const bool is_head = names_branch(repo, ref_named_in(*head), followed);
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

} // namespace graftline::git
