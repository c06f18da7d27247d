#include "graftline/git/refs/read_by_command.hpp"

#include "graftline/git/repository/patience.hpp"
#include "graftline/git/repository/repository.hpp"

#include <algorithm>
#include <string_view>

namespace graftline::git::read_by_command {
namespace {

fault no_such_commit(const std::string& rev, const std::string& words)
{
    fault f(errc::not_found, "there is no commit named '" + rev + "'");
    if (!words.empty()) f.with("git says", words);
    return std::move(f).advise("See `git branch --all` and `git log` for what there is.");
}

awaitable<bool> is_empty(repository& repo)
{
    auto any = co_await repo.ask("for-each-ref", "--count=1", "--format=%(refname)", "refs/heads/",
                                 "refs/remotes/", "refs/tags/");
    co_return any && any->empty();
}

} // namespace

awaitable<result<oid>> resolve(repository& repo, std::string rev)
{
    auto prepared = repo.git("rev-parse", "--verify", "--end-of-options", rev + "^{commit}");
    auto output = co_await run_git(prepared);
    if (!output) co_return output.error();
    if (output->ok()) {
        // A warning ("refname is ambiguous") goes to the other stream; the id is all there is here.
        if (const auto id = oid::parse(std::string_view(output->out).substr(0, output->out.find('\n'))))
            co_return *id;
        co_return git_failed(prepared.words(), *output);
    }
    if (co_await is_empty(repo))
        co_return fault(errc::not_found, "the repository is empty: there is no commit yet")
            .with("looked for", rev)
            .advise("Make a first commit: git commit --allow-empty -m 'Begin'");
    std::string words = output->err;
    while (words.ends_with('\n'))
        words.pop_back();
    // rev-parse only says that it wanted a single revision, which tells a user nothing.
    co_return no_such_commit(rev, words == "fatal: Needed a single revision" ? "" : words);
}

awaitable<result<std::optional<oid>>> read_ref(repository& repo, std::string fullname)
{
    if (!fullname.starts_with("refs/")) {
        auto prepared = repo.git("rev-parse", "--verify", "--quiet", "--end-of-options", fullname);
        auto output = co_await run_git(prepared);
        if (!output) co_return output.error();
        if (output->status == exit_status(exited{1})) co_return std::optional<oid>();
        if (!output->ok()) co_return git_failed(prepared.words(), *output);
        co_return oid::parse(std::string_view(output->out).substr(0, output->out.find('\n')));
    }
    // A pattern: whatever lies below a folder of that name is listed too, and passed over.
    auto listed = co_await repo.ask("for-each-ref", "--format=%(objectname) %(refname)", fullname);
    if (!listed) co_return listed.error();
    std::string_view rest = *listed;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const auto space = line.find(' ');
        if (space != line.npos && line.substr(space + 1) == fullname)
            co_return oid::parse(line.substr(0, space));
    }
    co_return std::optional<oid>();
}

awaitable<result<bool>> is_ancestor(repository& repo, oid ancestor, oid descendant)
{
    auto prepared = repo.git("merge-base", "--is-ancestor", ancestor.hex(), descendant.hex());
    auto output = co_await run_git(prepared);
    if (!output) co_return output.error();
    if (output->ok()) co_return true;
    if (output->status == exit_status(exited{1})) co_return false;
    co_return git_failed(prepared.words(), *output);
}

awaitable<result<std::vector<oid>>> merge_bases(repository& repo, oid one, oid other)
{
    auto prepared = repo.git("merge-base", "--all", one.hex(), other.hex());
    auto output = co_await run_git(prepared);
    if (!output) co_return output.error();
    if (!output->ok() && output->status != exit_status(exited{1}))
        co_return git_failed(prepared.words(), *output);
    std::vector<oid> bases;
    std::string_view rest = output->out;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (auto id = oid::parse(line)) bases.push_back(std::move(*id));
    }
    std::sort(bases.begin(), bases.end());
    co_return bases;
}

} // namespace graftline::git::read_by_command
