#include "graftline/git/commits/submodule_edits.hpp"

#include "graftline/git/commits/submodules.hpp"
#include "graftline/git/repository/repository.hpp"

#include <utility>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Those that .gitmodules names, as relative paths that stay in the work tree.
awaitable<result<std::vector<std::string>>> paths_inside(repository& repo, fs::path folder)
{
    const auto all = co_await submodules_in(repo, folder);
    if (!all) co_return all.error();
    std::vector<std::string> inside;
    for (const submodule& one : *all) {
        const fs::path path = fs::path(one.path).lexically_normal();
        if (!path.empty() && path.is_relative() && *path.begin() != "..") inside.push_back(path.string());
    }
    co_return inside;
}

/// By what is on record of each file alone: these two read no file's contents.
awaitable<result<bool>> may_have_edits(repository& repo, fs::path submodule)
{
    auto written = co_await repo.ask_in(submodule, "diff-files", "--quiet", "--ignore-submodules=all");
    if (!written && !written.error().is(errc::command_failed)) co_return written.error();
    if (!written) co_return result<bool>(true);
    auto fresh = co_await repo.ask_in(submodule, "ls-files", "--others", "--exclude-standard", "-z");
    if (!fresh) co_return fresh.error();
    co_return result<bool>(!fresh->empty());
}

} // namespace

awaitable<result<std::vector<std::string>>> submodules_that_may_have_edits(repository& repo, fs::path folder)
{
    auto named = co_await paths_inside(repo, folder);
    if (!named) co_return named.error();
    std::vector<std::string> edited;
    for (std::string& path : *named) {
        std::error_code failed;
        if (!fs::exists(fs::symlink_status(folder / path / ".git", failed))) continue; // not populated
        const auto has = co_await may_have_edits(repo, folder / path);
        if (!has) co_return has.error();
        if (*has) edited.push_back(std::move(path));
    }
    co_return edited;
}

} // namespace graftline::git
