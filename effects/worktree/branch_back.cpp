#include "graftline/effects/worktree/branch_back.hpp"

#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rescue/mend.hpp"
#include "graftline/git/worktree/worktree.hpp"

#include <algorithm>
#include <vector>

namespace graftline::effects {
namespace {

/// Where HEAD was, by its reflog, the latest first.
std::vector<git::oid> places_of_head(const std::filesystem::path& git_dir)
{
    std::vector<git::oid> places;
    auto lines = git::records_of(git::text_of(git_dir / "logs" / "HEAD"), '\n');
    std::ranges::reverse(lines);
    for (const auto& line : lines) {
        const auto words = git::records_of(line.substr(0, 130), ' '); // "old new who when what"
        for (std::size_t at : {1, 0}) {
            auto id = at < words.size() ? git::oid::parse(words[at]) : std::nullopt;
            if (id && !id->is_null() && std::ranges::find(places, *id) == places.end())
                places.push_back(std::move(*id)); // null: deleted
        }
    }
    return places;
}

awaitable<git::oid> where_it_was(run& r, const task& t, const std::filesystem::path& git_dir)
{
    const git::oid base(t.base);
    for (const auto& place : places_of_head(git_dir)) {
        const auto descends = co_await git::is_ancestor(r.repository(), base, place);
        if (descends && *descends) co_return place;
    }
    if (!t.commit.empty() && co_await git::tree_of(r.repository(), git::oid(t.commit)))
        co_return git::oid(t.commit);
    co_return base;
}

/// No ref is read from it, and no git would write over it.
bool has_file(const git::repository& repo, const std::string& ref)
{
    std::error_code failed;
    return std::filesystem::is_regular_file(std::filesystem::symlink_status(repo.common_dir() / ref, failed));
}

awaitable<result<void>> mend_garbled(run& r, task t, git::oid was)
{
    git::known_places places{was, git::oid(t.base), true};
    const auto mended = co_await git::mend_branch(r.repository(), t.branch, t.id, std::move(places), false);
    if (!mended) co_return mended.error();
    if (mended->put)
        r.watcher().note("The file of the branch " + t.branch + " of " + t.id +
                         " did not read, as if somebody had written into it: the branch is back at " +
                         mended->put->short_hex() + ".");
    co_return result<void>();
}

} // namespace

awaitable<result<void>> bring_branch_back(run& r, const task& t)
{
    auto& repo = r.repository();
    const std::string branch = "refs/heads/" + t.branch;
    const auto git_dir = git::git_dir_of(repo, t.worktree);
    if (!git_dir) co_return git_dir.error();
    if (!*git_dir || git::head_ref_in(**git_dir) != branch) co_return result<void>();
    const auto tip = co_await git::read_ref(repo, branch);
    if (!tip) co_return tip.error();
    if (*tip) co_return result<void>();
    const auto was = co_await where_it_was(r, t, **git_dir);
    if (has_file(repo, branch)) co_return co_await mend_garbled(r, t, was);
    auto back = co_await git::update_ref(repo, branch, was, git::oid(), "graftline: bring the branch back");
    if (back)
        r.watcher().note("The branch " + t.branch + " of " + t.id + " was gone: it is back at " +
                         was.short_hex() + ".");
    co_return back;
}

} // namespace graftline::effects
