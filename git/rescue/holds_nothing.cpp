#include "graftline/git/rescue/holds_nothing.hpp"

#include "graftline/git/objects/commit_history.hpp"
#include "graftline/git/refs/refs.hpp"
#include "graftline/git/repository/libgit2.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/whole_answer.hpp"
#include "graftline/git/repository/worktree_records.hpp"
#include "graftline/git/rules/blind_spots.hpp"
#include "graftline/git/rules/ignore_rules.hpp"
#include "graftline/git/rules/noted_rules.hpp"
#include "graftline/git/rules/survey.hpp"
#include "graftline/runtime/async/parallel.hpp"

#include <algorithm>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

bool has_files(const fs::path& folder)
{
    std::error_code failed;
    if (!fs::exists(folder, failed)) return static_cast<bool>(failed);
    for (fs::recursive_directory_iterator entry(folder, failed), end; !failed && entry != end;
         entry.increment(failed))
        if (!entry->is_directory(failed)) return true;
    return static_cast<bool>(failed);
}

/// A linked worktree as we made it, with nothing half done, and no refs or submodules of its own.
bool is_ordinary(const workplace& place)
{
    std::error_code failed;
    return place.shares_refs && place.work_tree &&
           fs::is_regular_file(fs::symlink_status(*place.work_tree / ".git", failed)) &&
           !fs::exists(fs::symlink_status(place.git_dir / "modules", failed)) &&
           !has_files(place.git_dir / "refs") && !half_done_in(place.git_dir);
}

bool reaches_all(git_repository& repository, commit_history& history, const oid& tip,
                 const std::set<std::string>& ids)
{
    odb_ptr objects;
    const auto from = from_oid(tip);
    if (!from || git_repository_odb(out(objects), &repository) < 0) return false;
    object_reader reader(std::move(objects));
    return std::ranges::all_of(ids, [&](const std::string& id) {
        const auto commit = from_oid(oid(id));
        if (!commit) return false;
        const auto reached = history.contains(reader, *from, *commit);
        return reached && *reached;
    });
}

/// Git does not look everywhere. Throws when it would wait for ever, which ends the one beside this.
awaitable<bool> hides_nothing(const repository& repo, workplace place)
{
    const auto found = co_await survey_place(place);
    if (!found || !found->unreadable.empty() || !found->repositories.empty())
        throw fault_error(found ? fault(errc::refused, "git does not see all of it") : found.error());
    const auto ignored = co_await ignored_among(repo, place, found->git_folders);
    co_return ignored && ignored->empty();
}

/// `git status` has nothing to say but the headers.
awaitable<bool> is_clean(const repository& repo, workplace place)
{
    auto status =
        co_await whole_answer(place.git(repo, {"status", "--porcelain=v2", "-z", "--branch",
                                               "--untracked-files=all", "--ignore-submodules=none"}));
    if (!status) co_return false;
    const auto is_header = [](const std::string& record) { return record.starts_with("# "); };
    co_return std::ranges::all_of(records_of(*status), is_header);
}

} // namespace

awaitable<bool> holds_nothing(repository& repo, workplace place)
{
    if (!repo.may_read_directly() || !is_ordinary(place)) co_return false;
    const auto rules = co_await hold_rules(repo, place, copied_edits::are_kept);
    if (!rules || !rules->is_none()) co_return false;
    const std::string branch = head_ref_in(place.git_dir);
    if (!branch.starts_with("refs/heads/")) co_return false;
    auto ids = remembered_in(place.git_dir);
    const auto tip = co_await read_ref(repo, branch);
    if (!ids || !tip || !*tip) co_return false;
    auto job = [history = history_of(repo), tip = **tip, ids = std::move(*ids),
                index = place.git_dir / "index"](git_repository& repository) -> result<bool> {
        return !has_blind_spots(index) && reaches_all(repository, *history, tip, ids);
    };
    const auto reached = co_await repo.direct().run(std::move(job));
    if (!reached || !*reached) co_return false;
    std::vector<awaitable<bool>> looks;
    looks.push_back(is_clean(repo, place));
    looks.push_back(hides_nothing(repo, place));
    auto seen = co_await parallel::all(std::move(looks), parallel::options().fail_fast());
    co_return std::ranges::all_of(seen, [](auto& look) { return look.has_value() && look.value(); });
}

} // namespace graftline::git
