#include "graftline/git/commits/submodule_edits.hpp"

#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"

#include <algorithm>
#include <utility>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// Those that .gitmodules names, as relative paths that stay in the work tree.
awaitable<result<std::vector<std::string>>> named_submodules(repository& repo, fs::path folder)
{
    std::vector<std::string> named;
    std::error_code failed;
    if (!fs::is_regular_file(fs::symlink_status(folder / ".gitmodules", failed))) co_return named;
    auto asking = repo.git_in(folder, "config", "--file", ".gitmodules", "-z", "--get-regexp",
                              "^submodule\\..*\\.path$");
    const auto output = co_await run_git(asking);
    if (!output) co_return output.error();
    if (output->status == exit_status(exited{1})) co_return named; // it names none
    if (!output->ok()) co_return git_failed(asking.words(), *output);
    for (const std::string& entry : records_of(output->out)) {
        const auto line = entry.find('\n');
        const fs::path path =
            line == entry.npos ? fs::path() : fs::path(entry.substr(line + 1)).lexically_normal();
        if (!path.empty() && path.is_relative() && *path.begin() != "..") named.push_back(path.string());
    }
    co_return named;
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
    auto named = co_await named_submodules(repo, folder);
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
