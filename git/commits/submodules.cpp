#include "graftline/git/commits/submodules.hpp"

#include "graftline/git/refs/branch_use.hpp"
#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <vector>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Names come from the tree, which anybody may have written: only those that name a folder below `modules`.
bool is_safe(const std::string& name)
{
    const fs::path path(name);
    return !name.empty() && !path.is_absolute() && name.find('=') == name.npos &&
           std::find(path.begin(), path.end(), "..") == path.end();
}

/// `git submodule update` of one, as if it were initialised with this URL. Nothing is written into the
/// configuration that all worktrees share.
command update(repository& repo, const fs::path& folder, const submodule& module, const std::string& url,
               bool local)
{
    command git = repo.git_in(folder);
    // git forbids clones from local folders in submodules, because a tree may name any; this one is the
    // user's own.
    if (local) git.args("-c", "protocol.file.allow=always");
    return std::move(git.args("-c", "submodule." + module.name + ".url=" + url, "-c",
                              "submodule." + module.name + ".active=true", "submodule", "--quiet", "update",
                              "--", module.path));
}

/// The git folder of a populated submodule; nullopt where there is none.
std::optional<fs::path> git_dir_in(const fs::path& inside)
{
    auto named = named_by_dot_git(inside);
    if (named && named->is_relative()) named = (inside / *named).lexically_normal();
    return named;
}

constexpr const char* populated_name = "graftline-populated";

std::uintmax_t size_of_reflog(const fs::path& git_dir)
{
    std::error_code none;
    const auto size = fs::file_size(git_dir / "logs" / "HEAD", none);
    return none ? 0 : size;
}

/// What tells a submodule in which nothing was done: its commit, and how long its reflog is.
std::string mark_of(const fs::path& git_dir, const std::string& commit)
{
    return commit + " " + std::to_string(size_of_reflog(git_dir)) + "\n";
}

result<void> note_populated(const fs::path& inside, const std::string& commit)
{
    const auto git_dir = git_dir_in(inside);
    if (!git_dir) return {}; // git says nothing of where it is: nothing is known of it later
    return replace_file(*git_dir / populated_name, mark_of(*git_dir, commit));
}

/// A clone that is at another commit than the one that is wanted.
void empty(const repository& repo, const fs::path& inside)
{
    std::error_code ignored; // what stays is seen as a change, which a person has to look at
    const auto git_dir = git_dir_in(inside);
    for (fs::directory_iterator at(inside, ignored), end; !ignored && at != end; at.increment(ignored))
        fs::remove_all(at->path(), ignored);
    const auto linked = (repo.common_dir() / "worktrees").string() + "/";
    if (git_dir && git_dir->string().starts_with(linked)) fs::remove_all(*git_dir, ignored);
}

command git_at(repository& repo, const fs::path& git_dir)
{
    return std::move(repo.git().args("--git-dir=" + git_dir.string(), "-c", "core.hooksPath=/dev/null"));
}

awaitable<bool> has_commit(repository& repo, fs::path git_dir, std::string commit)
{
    co_return (
        co_await repository::answer(git_at(repo, git_dir).args("cat-file", "-e", commit + "^{commit}")))
        .has_value();
}

/// Do refs reach the commit there? `glob`: which of them.
awaitable<bool> is_reached(repository& repo, fs::path git_dir, std::string commit, std::string glob)
{
    const auto walked = co_await repository::answer(
        git_at(repo, git_dir).args("rev-list", "-1", commit, "--not", "--glob=" + glob));
    co_return walked && walked->empty();
}

/// The commit is kept elsewhere: nothing has to be rescued of it when the worktree goes, as little as of what
/// a server has.
awaitable<result<void>> note_kept(repository& repo, fs::path git_dir, std::string commit)
{
    auto noted = co_await repository::answer(
        git_at(repo, git_dir).args("update-ref", "refs/remotes/graftline/" + commit, commit));
    if (!noted) co_return noted.error();
    co_return result<void>();
}

awaitable<result<void>> populate_one(repository& repo, fs::path folder, submodule module, fs::path copy)
{
    auto origin = co_await repo.ask("--git-dir=" + copy.string(), "config", "remote.origin.url");
    const fs::path inside = folder / module.path;
    auto done = co_await repo.answer(update(repo, folder, module, copy.string(), true));
    std::error_code failed;
    if (origin && fs::exists(inside / ".git", failed)) {
        // Whoever fetches or pushes in it means the real one.
        auto renamed = co_await repo.ask_in(inside, "config", "remote.origin.url", *origin);
        if (!renamed) co_return renamed.error();
    }
    // Our copy lacks the commit: the real one may have it.
    if (!done && origin) done = co_await repo.answer(update(repo, folder, module, *origin, false));
    const auto is_at = done ? co_await repo.ask_in(inside, "rev-parse", "--verify", "HEAD^{commit}") : done;
    if (is_at) {
        const auto made = git_dir_in(inside);
        if (made && !co_await is_reached(repo, *made, *is_at, "refs/remotes/*") &&
            co_await is_reached(repo, copy, *is_at, "refs/*"))
            if (auto noted = co_await note_kept(repo, *made, *is_at); !noted) co_return noted.error();
        co_return note_populated(inside, *is_at);
    }
    empty(repo, inside);
    co_return is_at.error();
}

awaitable<result<void>> populate_below(repository& repo, fs::path folder, fs::path copies,
                                       const std::function<void(std::string)>& notice)
{
    auto found = co_await submodules_in(repo, folder);
    if (!found) co_return found.error();
    for (const submodule& module : *found) {
        std::error_code failed;
        const fs::path copy = copies / module.name;
        if (!is_safe(module.name) || !is_safe(module.path) || !fs::is_regular_file(copy / "HEAD", failed))
            continue;
        auto done = co_await populate_one(repo, folder, module, copy);
        if (!done) {
            if (notice)
                notice("the submodule " + module.path + " is not populated: " + done.error().message());
            continue;
        }
        auto below = co_await populate_below(repo, folder / module.path, copy / "modules", notice);
        if (!below) co_return below;
    }
    co_return result<void>();
}

// ---- what was committed in them

bool is_repository(const fs::path& git_dir)
{
    std::error_code failed;
    return fs::is_regular_file(git_dir / "HEAD", failed) && fs::is_directory(git_dir / "objects", failed);
}

/// A pointer to a commit of a submodule.
struct pointer {
    std::string path, commit;
    auto operator<=>(const pointer&) const = default;
};

/// The pointers that commits from `base` to `tip` set.
awaitable<result<std::set<pointer>>> pointers_set(repository& repo, oid base, oid tip)
{
    std::set<pointer> found;
    const auto told = co_await repo.ask("log", "-m", "--raw", "-z", "--no-abbrev", "--no-renames",
                                        "--ignore-submodules=none", "--no-show-signature",
                                        "--format=", base.hex() + ".." + tip.hex(), "--");
    if (!told) co_return told.error();
    const auto records = records_of(*told);
    for (std::size_t at = 0; at + 1 < records.size(); ++at) {
        const auto colon = records[at].find(':');
        const auto words =
            records_of(std::string_view(records[at]).substr(std::min(colon, records[at].size())), ' ');
        if (colon == std::string::npos || words.size() != 5 || words[1] != "160000") continue;
        found.insert({records[at + 1], words[3]});
    }
    co_return found;
}

/// The pointers in the tree of a submodule's commit.
awaitable<result<std::set<pointer>>> pointers_at(repository& repo, fs::path git_dir, std::string commit)
{
    std::set<pointer> found;
    const auto listed =
        co_await repository::answer(git_at(repo, git_dir).args("ls-tree", "-r", "-z", commit));
    if (!listed) co_return listed.error();
    for (const std::string& entry : records_of(*listed)) // "160000 commit <id>\t<path>"
        if (const auto tab = entry.find('\t'); entry.starts_with("160000 ") && tab != entry.npos)
            found.insert({entry.substr(tab + 1), entry.substr(14, tab - 14)});
    co_return found;
}

/// The names of submodules at a commit, by path.
awaitable<std::map<std::string, std::string>> names_at(repository& repo, fs::path git_dir, std::string commit)
{
    std::map<std::string, std::string> names;
    const auto told = co_await repository::answer(
        git_at(repo, git_dir)
            .args("config", "-z", "--blob", commit + ":.gitmodules", "--get-regexp", paths_of_submodules));
    if (told)
        for (const submodule& one : submodules_told(*told))
            if (is_safe(one.name)) names.emplace(one.path, one.name);
    co_return names;
}

/// A copy of a submodule that the repository had none of; git takes it for what it has cloned.
awaitable<result<void>> make_copy(repository& repo, fs::path from, fs::path copy)
{
    auto made = co_await repo.ask("init", "-q", "--bare", "--template=", copy.string());
    if (!made) co_return made.error();
    const auto origin = co_await repository::answer(git_at(repo, from).args("config", "remote.origin.url"));
    if (origin)
        for (const auto& [key, value] : {std::pair<std::string, std::string>("remote.origin.url", *origin),
                                         {"remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"}})
            if (auto set = co_await repository::answer(git_at(repo, copy).args("config", key, value)); !set)
                co_return set.error();
    auto whole = co_await repository::answer(git_at(repo, copy).args("config", "core.bare", "false"));
    if (!whole) co_return whole.error();
    co_return result<void>();
}

/// Brings one commit from a worktree's repository of a submodule into the one that stays. True: it was not
/// there.
awaitable<result<bool>> keep_commit(repository& repo, fs::path from, fs::path copy, std::string commit)
{
    if (is_repository(copy)) {
        if (co_await has_commit(repo, copy, commit) && co_await is_reached(repo, copy, commit, "refs/*"))
            co_return result<bool>(false);
    } else {
        if (co_await is_reached(repo, from, commit, "refs/remotes/*")) co_return result<bool>(false);
        if (auto made = co_await make_copy(repo, from, copy); !made) co_return made.error();
    }
    // A commit by its id is given out by the second version of the protocol only, unless it is at a ref.
    auto fetched = co_await repository::answer(
        git_at(repo, copy)
            .args("-c", "protocol.version=2", "-c", "protocol.file.allow=always", "fetch", "-q", "--no-tags",
                  "--no-write-fetch-head", "--no-recurse-submodules", "--no-auto-maintenance", from.string(),
                  "+" + commit + ":refs/graftline/kept/" + commit));
    if (!fetched) co_return fetched.error();
    if (auto noted = co_await note_kept(repo, from, commit); !noted) co_return noted.error();
    co_return result<bool>(true);
}

/// All pointers of one repository, and those of what they point to. `from`: its `modules` in the worktree's
/// record, `to`: those that stay.
awaitable<result<void>> keep_pointers(repository& repo, std::set<pointer> pointers,
                                      std::map<std::string, std::string> names, fs::path from, fs::path to,
                                      std::string label, std::set<std::string>& kept)
{
    for (const auto& [path, commit] : pointers) {
        const auto name = names.find(path);
        if (name == names.end() || !is_repository(from / name->second)) continue;
        const fs::path made_in = from / name->second, copy = to / name->second;
        if (!co_await has_commit(repo, made_in, commit)) continue; // it is from elsewhere
        const auto is_new = co_await keep_commit(repo, made_in, copy, commit);
        if (!is_new) co_return is_new.error().with("submodule", label + path);
        if (*is_new) kept.insert(label + path);
        std::error_code failed;
        if (!fs::is_directory(made_in / "modules", failed)) continue;
        auto inner = co_await pointers_at(repo, made_in, commit);
        if (!inner) co_return inner.error().with("submodule", label + path);
        auto inner_names = co_await names_at(repo, made_in, commit);
        auto done = co_await keep_pointers(repo, std::move(*inner), std::move(inner_names),
                                           made_in / "modules", copy / "modules", label + path + "/", kept);
        if (!done) co_return done;
    }
    co_return result<void>();
}

/// Where a linked worktree has the repositories of its submodules; nullopt when it has none.
result<std::optional<fs::path>> modules_of(const repository& repo, const fs::path& worktree)
{
    const auto record = git_dir_of(repo, worktree);
    if (!record) return record.error();
    std::error_code failed;
    if (!*record || **record == repo.common_dir() || !fs::is_directory(**record / "modules", failed))
        return std::optional<fs::path>();
    return std::optional<fs::path>(**record / "modules");
}

} // namespace

std::vector<submodule> submodules_told(std::string_view output)
{
    std::vector<submodule> found;
    constexpr std::string_view before = "submodule.", after = ".path";
    for (const std::string& record : records_of(output)) {
        const auto line = record.find('\n');
        if (line == record.npos || line < before.size() + after.size()) continue;
        found.push_back(
            {record.substr(before.size(), line - before.size() - after.size()), record.substr(line + 1)});
    }
    return found;
}

awaitable<result<std::vector<submodule>>> submodules_in(repository& repo, fs::path folder)
{
    std::vector<submodule> found;
    std::error_code failed;
    if (!fs::is_regular_file(fs::symlink_status(folder / ".gitmodules", failed))) co_return found;
    auto prepared =
        repo.git_in(folder, "config", "-z", "-f", ".gitmodules", "--get-regexp", paths_of_submodules);
    auto output = co_await run_git(prepared);
    if (!output) co_return output.error();
    if (output->status == exit_status(exited{1})) co_return found;
    if (!output->ok()) co_return git_failed(prepared.words(), *output);
    co_return submodules_told(output->out);
}

awaitable<result<void>> populate_submodules(repository& repo, fs::path folder,
                                            std::function<void(std::string)> notice)
{
    co_return co_await populate_below(repo, folder, repo.common_dir() / "modules", notice);
}

awaitable<result<std::vector<std::string>>> keep_submodule_commits(repository& repo, fs::path worktree,
                                                                   oid base, oid tip)
{
    const auto modules = modules_of(repo, worktree);
    if (!modules) co_return modules.error();
    if (!*modules) co_return std::vector<std::string>();
    auto pointers = co_await pointers_set(repo, base, tip);
    if (!pointers) co_return pointers.error();
    if (pointers->empty()) co_return std::vector<std::string>();
    auto names = co_await names_at(repo, repo.common_dir(), tip.hex());
    std::set<std::string> kept;
    auto done = co_await keep_pointers(repo, std::move(*pointers), std::move(names), **modules,
                                       repo.common_dir() / "modules", "", kept);
    if (!done) co_return done.error();
    co_return std::vector<std::string>(kept.begin(), kept.end());
}

bool is_as_populated(const fs::path& worktree, const std::string& path, const oid& commit)
{
    const auto git_dir = git_dir_in(worktree / path);
    return git_dir && text_of(*git_dir / populated_name) == mark_of(*git_dir, commit.hex());
}

awaitable<result<std::vector<std::string>>> submodules_with_edits(repository& repo, fs::path worktree)
{
    std::vector<std::string> found;
    const auto modules = modules_of(repo, worktree);
    if (!modules) co_return modules.error();
    if (!*modules) co_return found;
    const auto all = co_await submodules_in(repo, worktree);
    if (!all) co_return all.error();
    for (const submodule& module : *all) {
        if (!is_safe(module.name) || !is_safe(module.path) || !git_dir_in(worktree / module.path)) continue;
        const auto status =
            co_await repo.ask_in(worktree / module.path, "status", "--porcelain", "--untracked-files=normal");
        if (!status) co_return status.error().with("submodule", module.path);
        if (!status->empty()) found.push_back(module.path);
    }
    co_return found;
}

} // namespace graftline::git
