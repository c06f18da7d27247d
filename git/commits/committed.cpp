#include "graftline/git/commits/committed.hpp"

#include "graftline/git/commits/staged.hpp"
#include "graftline/git/commits/submodules.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rules/furnished.hpp"

#include <algorithm>
#include <set>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

fault refusal(std::string what, const std::vector<std::string>& paths)
{
    return fault(errc::refused, std::move(what)).with("paths", joined(paths, '\n'));
}

bool is_at_or_below(const std::string& path, const std::string& top)
{
    return path == top || (path.starts_with(top) && path[top.size()] == '/');
}

/// Is that change the commit of what we put there? A link that has become a folder is the task's own.
bool brings(const staged_change& change, const furnished_path& ours)
{
    return !ours.link.empty() && change.is_there() && !change.was_there() && change.path == ours.path &&
           change.new_mode == "120000";
}

std::vector<std::string> gitlinks_among(const std::vector<staged_change>& changes)
{
    std::vector<std::string> found;
    for (const staged_change& change : changes)
        if (change.new_mode == "160000" && change.old_mode != "160000") found.push_back(change.path);
    return found;
}

/// The paths that .gitmodules of the commit names as submodules.
awaitable<std::set<std::string>> submodules_named_at(repository& repo, oid tip)
{
    std::set<std::string> paths;
    const auto lines = co_await repo.ask("config", "-z", "--blob", tip.hex() + ":.gitmodules", "--get-regexp",
                                         paths_of_submodules);
    if (!lines) co_return paths; // it has none, or none is named: git says so by its exit
    for (submodule& one : submodules_told(*lines))
        paths.insert(std::move(one.path));
    co_return paths;
}

/// Is that one of the lines between which git puts a conflict?
bool begins_or_ends_conflict(std::string_view added, char sign)
{
    constexpr std::size_t length = 7;
    return added.size() > length && added.substr(0, length) == std::string(length, sign) &&
           added[length] == ' ';
}

/// Copies that some commit on the way adds: a later one that takes them out leaves them in the history.
awaitable<result<std::vector<std::string>>>
copies_in_history(repository& repo, std::vector<furnished_path> put_there, oid base, oid tip)
{
    std::vector<std::string> copies;
    for (furnished_path& one : put_there)
        if (one.link.empty()) copies.push_back(std::move(one.path));
    if (copies.empty()) co_return copies;
    const auto added = co_await repo.ask("log", "-z", "--format=", "--name-only", "--no-renames", "-m",
                                         "--diff-filter=A", base.hex() + ".." + tip.hex(), "--");
    if (!added) co_return added.error();
    const auto paths = records_of(*added);
    std::erase_if(copies, [&](const std::string& copy) {
        return std::ranges::none_of(paths,
                                    [&](const std::string& path) { return is_at_or_below(path, copy); });
    });
    co_return copies;
}

} // namespace

awaitable<result<void>> check_committed(repository& repo, fs::path worktree, oid base, oid tip)
{
    const auto changes = co_await changes_between(repo, base, tip);
    if (!changes) co_return changes.error();
    auto nested = gitlinks_among(*changes);
    if (!nested.empty()) {
        const auto named = co_await submodules_named_at(repo, tip);
        std::erase_if(nested, [&](const std::string& path) { return named.contains(path); });
    }
    if (!nested.empty())
        co_return refusal("a repository inside the worktree was committed, and is not one of its submodules",
                          nested)
            .advise(
                "What it holds would be missing everywhere else. Take it out of the commits there (git rm "
                "--cached PATH, git commit --amend), then delete its .git folder, ignore it, or add it "
                "with `git submodule add`.");
    const auto record = git_dir_of(repo, worktree);
    if (!record) co_return record.error();
    if (!*record) co_return result<void>();
    const auto put_there = furnished_in(**record, worktree);
    auto ours = co_await copies_in_history(repo, put_there, base, tip);
    if (!ours) co_return ours.error();
    for (const furnished_path& one : put_there)
        if (std::ranges::any_of(*changes, [&](const staged_change& change) { return brings(change, one); }))
            ours->push_back(one.path);
    if (ours->empty()) co_return result<void>();
    co_return refusal("what graftline put into the worktree was committed there", *ours)
        .advise("worktree.copy and worktree.link bring what is no task's work. Take it out of the commits "
                "there, all of them: git rm --cached PATH, git commit --amend, or git rebase.");
}

awaitable<result<std::vector<std::string>>> files_with_markers(repository& repo, oid base, oid tip)
{
    // Only what was added: a file may be about conflicts. -G keeps what has no marker out.
    const auto patch = co_await repo.ask("-c", "core.quotePath=false", "diff-tree", "-r", "-p", "-U0",
                                         "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color",
                                         "-G^<<<<<<< ", base.hex(), tip.hex(), "--");
    if (!patch) co_return patch.error();
    std::set<std::string> found;
    std::string file;
    bool begun = false;
    bool in_hunk = false; // else an added line "++ x" would look like the name of a file
    for (const std::string& line : records_of(*patch, '\n')) {
        if (line.starts_with("diff ")) begun = in_hunk = false;
        if (line.starts_with("@@")) in_hunk = true;
        if (!in_hunk && line.starts_with("+++ ")) file = line.substr(line.starts_with("+++ b/") ? 6 : 4);
        if (in_hunk && line.starts_with('+')) {
            begun = begun || begins_or_ends_conflict(std::string_view(line).substr(1), '<');
            if (begun && begins_or_ends_conflict(std::string_view(line).substr(1), '>')) found.insert(file);
        }
    }
    co_return std::vector<std::string>(found.begin(), found.end());
}

} // namespace graftline::git
