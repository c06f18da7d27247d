#include "graftline/git/worktree/left_behind.hpp"

#include "graftline/git/commits/commit.hpp"
#include "graftline/git/refs/branch_use.hpp"
#include "graftline/git/refs/shared_state.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"

#include <algorithm>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

struct ref_move {
    oid from;
    oid to;
    bool by_us = false;
};

/// What a reflog tells since then, the latest first.
std::vector<ref_move> moves_in(const std::string& reflog, std::chrono::system_clock::time_point since,
                               std::string_view own)
{
    constexpr std::size_t most = 100;
    std::vector<ref_move> moves;
    auto lines = reflog_lines(reflog);
    std::ranges::reverse(lines);
    for (const reflog_line& line : lines) {
        const auto when = std::chrono::system_clock::from_time_t(line.at + 1); // whole seconds, cut off
        if (when < since || moves.size() == most) break;
        const bool by_us = line.message.starts_with(own);
        moves.push_back({oid(line.before), oid(line.after), by_us});
    }
    return moves;
}

/// Those of `moves` that no git made in the checkout itself, as a commit or a soft reset does, and that are
/// not ours. Several behind each other are one.
std::vector<ref_move> made_elsewhere(const std::vector<ref_move>& moves, const branch_use& use,
                                     std::chrono::system_clock::time_point since)
{
    const auto there = moves_in(text_of(use.git_dir / "logs/HEAD"), since, {});
    std::vector<ref_move> found;
    for (const ref_move& one : moves) {
        const bool is_there = std::ranges::any_of(
            there, [&](const ref_move& other) { return other.from == one.from && other.to == one.to; });
        if (one.by_us || is_there || one.from.is_null() || one.to.is_null()) continue;
        if (!found.empty() && found.back().from == one.to)
            found.back().from = one.from;
        else
            found.push_back(one);
    }
    return found;
}

/// The paths whose entries in the index are not those of the commit.
awaitable<result<std::vector<std::string>>> staged_against(repository& repo, fs::path work_tree, oid commit)
{
    auto listed = co_await repo.ask_in(work_tree, "diff-index", "--cached", "--name-only", "--no-renames",
                                       "--ignore-submodules=none", "-z", commit.hex(), "--");
    if (!listed) co_return listed.error();
    co_return records_of(*listed);
}

/// Is all that differs between the two in the index as it is in `before`? What else is staged is the user's.
awaitable<result<bool>> is_still_at(repository& repo, fs::path work_tree, oid before, oid tip)
{
    auto changed = co_await changed_paths(repo, before, tip);
    if (!changed) co_return changed.error();
    auto staged = co_await staged_against(repo, work_tree, before);
    if (!staged) co_return staged.error();
    std::ranges::sort(*staged);
    const auto follows = [&](const std::string& path) { return std::ranges::binary_search(*staged, path); };
    co_return result<bool>(!changed->empty() && std::ranges::none_of(*changed, follows));
}

} // namespace

awaitable<result<std::vector<left_behind>>> find_left_behind(repository& repo, std::string branch,
                                                             std::chrono::system_clock::time_point since,
                                                             std::string_view own)
{
    std::vector<left_behind> found;
    const std::string ref = "refs/heads/" + branch;
    const auto moves = moves_in(text_of(repo.common_dir() / "logs" / ref), since, own);
    if (std::ranges::all_of(moves, &ref_move::by_us)) co_return found;
    const auto uses = co_await find_uses_of(repo, ref);
    if (!uses) co_return uses.error();
    for (const branch_use& use : *uses) {
        std::error_code gone;
        if (!use.is_head || !fs::is_directory(use.work_tree, gone)) continue;
        for (const ref_move& one : made_elsewhere(moves, use, since)) {
            const auto is = co_await is_still_at(repo, use.work_tree, one.from, one.to);
            if (!is) co_return is.error();
            if (*is) found.push_back({use.work_tree, one.from, one.to});
        }
    }
    co_return found;
}

} // namespace graftline::git
