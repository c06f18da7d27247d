#include "graftline/git/submodules.hpp"

#include "graftline/git/patience.hpp"
#include "graftline/git/records.hpp"
#include "graftline/git/repository.hpp"

#include <algorithm>
#include <string_view>
#include <vector>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

struct submodule {
    std::string name;
    std::string path; ///< below the top of the work tree
};

/// Names come from the tree, which anybody may have written: only those that name a folder below `modules`.
bool is_safe(const std::string& name)
{
    const fs::path path(name);
    return !name.empty() && !path.is_absolute() && name.find('=') == name.npos &&
           std::find(path.begin(), path.end(), "..") == path.end();
}

awaitable<result<std::vector<submodule>>> submodules_in(repository& repo, fs::path folder)
{
    std::vector<submodule> found;
    std::error_code failed;
    if (!fs::is_regular_file(fs::symlink_status(folder / ".gitmodules", failed))) co_return found;
    auto prepared =
        repo.git_in(folder, "config", "-z", "-f", ".gitmodules", "--get-regexp", "^submodule\\..*\\.path$");
    auto output = co_await run_git(prepared);
    if (!output) co_return output.error();
    if (output->status == exit_status(exited{1})) co_return found;
    if (!output->ok()) co_return git_failed(prepared.words(), *output);
    constexpr std::string_view before = "submodule.", after = ".path";
    for (const std::string& record : records_of(output->out)) {
        const auto line = record.find('\n');
        if (line == record.npos || line < before.size() + after.size()) continue;
        found.push_back(
            {record.substr(before.size(), line - before.size() - after.size()), record.substr(line + 1)});
    }
    co_return found;
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

awaitable<result<void>> populate_one(repository& repo, fs::path folder, submodule module, fs::path copy)
{
    auto origin = co_await repo.ask("--git-dir=" + copy.string(), "config", "remote.origin.url");
    const fs::path inside = folder / module.path;
    auto local = co_await repo.answer(update(repo, folder, module, copy.string(), true));
    std::error_code failed;
    if (origin && fs::exists(inside / ".git", failed)) {
        // Whoever fetches or pushes in it means the real one.
        auto renamed = co_await repo.ask_in(inside, "config", "remote.origin.url", *origin);
        if (!renamed) co_return renamed.error();
    }
    if (local) co_return result<void>();
    if (!origin) co_return local.error();
    // Our copy lacks the commit: the real one may have it.
    auto remote = co_await repo.answer(update(repo, folder, module, *origin, false));
    if (!remote) co_return remote.error();
    co_return result<void>();
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

} // namespace

awaitable<result<void>> populate_submodules(repository& repo, fs::path folder,
                                            std::function<void(std::string)> notice)
{
    co_return co_await populate_below(repo, folder, repo.common_dir() / "modules", notice);
}

} // namespace graftline::git
