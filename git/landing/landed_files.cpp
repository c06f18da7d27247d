#include "graftline/git/landing/landed_files.hpp"

#include "graftline/git/landing/landing_checkout.hpp"
#include "graftline/git/landing/landing_record.hpp"
#include "graftline/git/repository/records.hpp"
#include "graftline/git/repository/repository.hpp"
#include "graftline/git/repository/scratch.hpp"
#include "graftline/git/repository/worktree_records.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace graftline::git {
namespace {

namespace fs = std::filesystem;

/// A cut leaves a file gone, empty, or with NULs for what was to be written.
bool looks_cut(const fs::path& file)
{
    constexpr std::uintmax_t largest = 16 << 20;
    std::error_code failed;
    const auto what = fs::symlink_status(file, failed);
    if (!fs::exists(what)) return true;
    if (!fs::is_regular_file(what)) return false;
    const auto size = fs::file_size(file, failed);
    return !failed && size <= largest && std::ranges::all_of(text_of(file), [](char c) { return c == '\0'; });
}

/// Of `paths`, those whose entry in the index is the one of HEAD, is to be in the work tree, and holds
/// something.
awaitable<result<std::vector<std::string>>> held_by_index(landing_checkout where, std::set<std::string> paths)
{
    auto differing =
        co_await repository::answer(where.git({"diff-index", "--cached", "-z", "--name-only", "--no-renames",
                                               "--ignore-submodules=none", "HEAD", "--"}));
    if (!differing) co_return differing.error();
    for (const std::string& path : records_of(*differing))
        paths.erase(path);
    auto listed = co_await repository::answer(where.git({"ls-files", "-t", "-s", "-z"}));
    if (!listed) co_return listed.error();
    std::vector<std::string> held;
    for (const std::string& entry : records_of(*listed)) { // "H 100644 <id> 0<TAB>path"
        const auto tab = entry.find('\t');
        const std::string path = tab == entry.npos ? std::string() : entry.substr(tab + 1);
        if (entry.starts_with("H 100") && paths.contains(path)) held.push_back(path);
    }
    co_return held;
}

awaitable<result<std::vector<fs::path>>> restore_in(landing_checkout where, std::set<std::string> landed)
{
    std::vector<fs::path> restored;
    std::erase_if(landed, [&](const std::string& path) { return !looks_cut(where.work_tree() / path); });
    if (landed.empty()) co_return restored;
    auto held = co_await held_by_index(where, std::move(landed));
    if (!held) co_return held.error();
    // Those that are to be empty are not different for git.
    command differing = where.git({"diff-files", "-z", "--name-only", "--no-renames"});
    auto changed = co_await repository::answer(std::move(differing));
    if (!changed) co_return changed.error();
    const std::vector<std::string> all = records_of(*changed);
    const std::set<std::string> differ(all.begin(), all.end());
    std::string list;
    for (const std::string& path : *held)
        if (differ.contains(path)) {
            list += path + '\0';
            restored.push_back(where.work_tree() / path);
        }
    if (restored.empty()) co_return restored;
    command checkout = where.git({"checkout-index", "-q", "-f", "-u", "-z", "--stdin"});
    checkout.feed(std::move(list));
    auto done = co_await repository::answer(std::move(checkout));
    if (!done) co_return done.error();
    co_return restored;
}

} // namespace

awaitable<result<std::vector<fs::path>>> restore_landed_files(repository& repo)
{
    std::map<fs::path, std::set<std::string>> landed; // by the checkout's git folder
    for (const recorded_landing& one : recorded_landings(repo)) {
        auto changes = co_await changes_between(repo, one.from, one.to);
        if (!changes) continue; // collected since, or lost
        for (const staged_change& change : *changes)
            if (change.is_there()) landed[one.git_dir].insert(change.path);
    }
    std::vector<fs::path> restored;
    for (auto& [git_dir, paths] : landed) {
        const auto top = work_tree_of(repo, git_dir);
        std::error_code failed;
        if (!top || !fs::is_directory(*top, failed) || half_done_in(git_dir)) continue;
        auto held = co_await repo.lock().acquire();
        if (!held) co_return held.error();
        auto done = co_await restore_in(landing_checkout(repo, git_dir, *top), std::move(paths));
        if (!done) co_return done.error();
        restored.insert(restored.end(), done->begin(), done->end());
    }
    co_return restored;
}

} // namespace graftline::git
